/**
 * Kills the process when its standard input ends, as it does when the playground is killed and cannot stop its
 * processes. Nobody is left to read their output by then. It does not keep a finished process alive.
 */
const endWithPlayground =
  'process.stdin.on("error", () => {}).on("end", () => process.kill(process.pid, "SIGKILL")).resume().unref();';

/** The command that runs a bundled app on this process's own Node. */
export function nodeApp(entryPoint: string): { readonly command: string; readonly args: readonly string[] } {
  const preload = `data:text/javascript,${encodeURIComponent(endWithPlayground)}`;
  return { command: process.execPath, args: ["--import", preload, entryPoint] };
}
