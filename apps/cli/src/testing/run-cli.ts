import { type ChildProcess, execFile } from "node:child_process";
import { join } from "node:path";
import { Readable } from "node:stream";

import { runCommand } from "../command.ts";
import type { Shell } from "../shell.ts";
import type { Terminal } from "../terminal.ts";
import { workspaceRoot } from "./workspace-root.ts";

export interface CliRun {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a command line in this process. */
export async function runCli(
  argv: readonly string[],
  settings: Partial<Shell> & { input?: string } = {},
): Promise<CliRun> {
  const { input = "", ...shell } = settings;
  let stdout = "";
  let stderr = "";
  const terminal: Terminal = {
    print: (text) => (stdout += `${text}\n`),
    tell: (text) => (stderr += `${text}\n`),
    progress: () => {},
  };
  const code = await runCommand(argv, terminal, async () => ({
    ...terminal,
    stdin: Readable.from([input]),
    signal: new AbortController().signal,
    root: workspaceRoot,
    cwd: workspaceRoot,
    command: "kong-serverless",
    kustomize: undefined,
    endpointUrl: undefined,
    ...shell,
  }));
  return { code, stdout, stderr };
}

interface BinOptions {
  readonly node?: string;
  readonly env?: NodeJS.ProcessEnv;
  readonly input?: string;
}

/** Runs the committed command as a user does, in a process of its own. */
export function runBin(argv: readonly string[], options?: BinOptions): Promise<CliRun> {
  return spawnBin(argv, options).ended;
}

/** The same, while it runs. */
export function spawnBin(
  argv: readonly string[],
  { node = process.execPath, env = {}, input = "" }: BinOptions = {},
): Pick<ChildProcess, "kill"> & { readonly ended: Promise<CliRun> } {
  const bin = join(workspaceRoot, "apps/cli/bin/kong-serverless.js");
  const { promise: ended, resolve } = Promise.withResolvers<CliRun>();
  const child = execFile(node, [bin, ...argv], { env, timeout: 60_000 }, (error, stdout, stderr) => {
    resolve({ code: Number(error?.code ?? 0), stdout, stderr });
  });
  child.stdin?.end(input);
  return { kill: (signal) => child.kill(signal), ended };
}
