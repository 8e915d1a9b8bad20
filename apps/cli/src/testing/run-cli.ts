import { execFile } from "node:child_process";
import { join } from "node:path";
import { Readable } from "node:stream";

import { runCommand, type Terminal } from "../command.ts";
import type { Shell } from "../shell.ts";
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
  };
  const code = await runCommand(argv, terminal, async () => ({
    ...terminal,
    stdin: Readable.from([input]),
    signal: new AbortController().signal,
    root: workspaceRoot,
    cwd: workspaceRoot,
    kustomize: undefined,
    endpointUrl: undefined,
    ...shell,
  }));
  return { code, stdout, stderr };
}

/** Runs the committed command as a user does, in a process of its own. */
export function runBin(
  argv: readonly string[],
  {
    node = process.execPath,
    env = {},
    input = "",
  }: { node?: string; env?: NodeJS.ProcessEnv; input?: string } = {},
): Promise<CliRun> {
  const bin = join(workspaceRoot, "apps/cli/bin/kong-serverless.js");
  return new Promise((resolve) => {
    const child = execFile(node, [bin, ...argv], { env, timeout: 60_000 }, (error, stdout, stderr) => {
      resolve({ code: Number(error?.code ?? 0), stdout, stderr });
    });
    child.stdin?.end(input);
  });
}
