import { existsSync } from "node:fs";
import { join } from "node:path";

import { errorReport, exitCode, formatError, ServerlessError } from "@kong-serverless/runtime";

import { runCommand } from "./command.ts";
import type { Shell } from "./shell.ts";
import { ProcessTerminal } from "./terminal.ts";

const leaving = new AbortController();
process.once("SIGINT", () => leaving.abort(new ServerlessError("INTERRUPTED", "interrupted")));
process.once("SIGTERM", () => leaving.abort(new ServerlessError("INTERRUPTED", "terminated")));
// A closed pipe, as in `kong-serverless doctor | head`, is no failure.
process.stdout.on("error", () => process.exit());

const argv = process.argv.slice(2);
const isForProgram = argv.includes("--json") || argv.includes("--sarif");
const terminal = new ProcessTerminal({
  stdout: process.stdout,
  stderr: process.stderr,
  isColored: !argv.includes("--no-color"),
  showsProgress: !isForProgram,
});

async function openShell(): Promise<Shell> {
  const { readCliEnvironment } = await import("@kong-serverless/config");
  const { ownCommand } = await import("./own-command.ts");
  const { KUSTOMIZE, AWS_ENDPOINT_URL, INIT_CWD, npm_lifecycle_event: script } = readCliEnvironment();
  // The same from src and from a bundle in dist.
  const root = join(import.meta.dirname, "../../..");
  const isClone = existsSync(join(import.meta.dirname, "../src/main.ts"));
  // An outer script may have set its own INIT_CWD.
  const cwd = (script === "kong-serverless" ? INIT_CWD : undefined) ?? process.cwd();
  return {
    print: terminal.print,
    tell: terminal.tell,
    progress: terminal.progress,
    stdin: process.stdin,
    signal: leaving.signal,
    root,
    cwd,
    command: await ownCommand({ clone: isClone ? root : undefined, cwd, script }),
    kustomize: KUSTOMIZE,
    endpointUrl: AWS_ENDPOINT_URL,
  };
}

try {
  process.exitCode = await runCommand(argv, terminal, openShell);
} catch (thrown) {
  // After a Ctrl-C, work in progress fails with misleading errors.
  const error: unknown = leaving.signal.aborted ? leaving.signal.reason : thrown;
  terminal.tell(formatError(error));
  if (argv.includes("--json")) terminal.print(JSON.stringify(errorReport(error)));
  process.exitCode = leaving.signal.aborted ? exitCode.interrupted : exitCode.failed;
} finally {
  terminal.endProgress();
}
