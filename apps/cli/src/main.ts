import { join } from "node:path";

import { printable, ServerlessError } from "@kong-serverless/runtime";

import { runCommand, type Terminal } from "./command.ts";
import { errorReport, tellError } from "./error-report.ts";
import { exitCode } from "./exit-code.ts";
import type { Shell } from "./shell.ts";

const leaving = new AbortController();
process.once("SIGINT", () => leaving.abort(new Error("interrupted")));
process.once("SIGTERM", () => leaving.abort(new Error("terminated")));
// `kong-serverless doctor | head` is no reason to fail.
process.stdout.on("error", () => process.exit());

/** What comes from manifests and servers is text, whatever it would do to a terminal. */
const terminal: Terminal = {
  print: (text) => process.stdout.write(`${printable(text, { lines: true })}\n`),
  tell: (text) => process.stderr.write(`${printable(text, { lines: true })}\n`),
};

async function openShell(): Promise<Shell> {
  const { readCliEnvironment } = await import("@kong-serverless/config");
  const { KUSTOMIZE, AWS_ENDPOINT_URL, INIT_CWD, npm_lifecycle_event: script } = readCliEnvironment();
  return {
    ...terminal,
    stdin: process.stdin,
    signal: leaving.signal,
    // From src as from a bundle in dist.
    root: join(import.meta.dirname, "../../.."),
    // An outer script may have left its own.
    cwd: (script === "kong-serverless" ? INIT_CWD : undefined) ?? process.cwd(),
    kustomize: KUSTOMIZE,
    endpointUrl: AWS_ENDPOINT_URL,
  };
}

try {
  process.exitCode = await runCommand(process.argv.slice(2), terminal, openShell);
} catch (error) {
  // A known error says all in its message; the stack of an unknown one is the only clue that there is.
  if (!(error instanceof ServerlessError)) throw error;
  terminal.tell(tellError(error));
  if (process.argv.includes("--json")) terminal.print(JSON.stringify(errorReport(error)));
  process.exitCode = exitCode.failed;
}
