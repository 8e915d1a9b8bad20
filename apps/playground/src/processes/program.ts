import { nodeApp } from "./node-app.ts";

/** What a process runs. */
export interface Program {
  readonly command: string;
  readonly args: readonly string[];
  /** Undefined: the playground's own. */
  readonly cwd?: string;
  /** Environment variables beside those of its manifest; an app of the workspace needs none. */
  readonly environment: Readonly<Record<string, string>>;
}

/** A bundled app of this workspace, on this process's own Node. */
export function bundledApp(entryPoint: string): Program {
  return { ...nodeApp(entryPoint), environment: {} };
}

/**
 * Runs a command as its child, passes SIGTERM on to it, and kills it when standard input ends, as it does when the
 * playground is killed and cannot stop its processes.
 */
const guard = `
  const { spawn } = require("node:child_process");
  const [command, ...args] = process.argv.slice(1);
  const child = spawn(command, args, { stdio: ["ignore", "inherit", "inherit"] });
  process.on("SIGTERM", () => child.kill("SIGTERM"));
  child.on("error", (error) => { console.error(error.message); process.exit(127); });
  child.on("exit", (code, signal) => process.exit(code ?? (signal === null ? 1 : 128 + 15)));
  process.stdin.on("error", () => {}).on("end", () => process.kill(-process.pid, "SIGKILL")).resume();
`;

/** A user's command. It gets a PATH, as it would from its image. */
export function foreignProgram(words: readonly string[], cwd: string | undefined): Program {
  return {
    command: process.execPath,
    args: ["-e", guard, "--", ...words],
    ...(cwd !== undefined && { cwd }),
    environment: { PATH: process.env["PATH"] ?? "" },
  };
}
