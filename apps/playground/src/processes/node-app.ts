/**
 * Kills a process when its standard input ends, which that of the playground's processes does when the playground is killed and
 * cannot end them itself: nobody is left to hear what they would say. It does not keep a process alive that is done.
 */
const endWithPlayground =
  'process.stdin.on("error", () => {}).on("end", () => process.kill(process.pid, "SIGKILL")).resume().unref();';

/** The command that runs a bundled app on this process's own Node. */
export function nodeApp(entryPoint: string): { readonly command: string; readonly args: readonly string[] } {
  const preload = `data:text/javascript,${encodeURIComponent(endWithPlayground)}`;
  return { command: process.execPath, args: ["--import", preload, entryPoint] };
}
