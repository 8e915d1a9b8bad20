import { join } from "node:path";

import { readCliEnvironment } from "@kong-serverless/config";
import { ServerlessError } from "@kong-serverless/runtime";

import { runCommand } from "./command.ts";
import { errorReport, tellError } from "./error-report.ts";
import { exitCode } from "./exit-code.ts";

const leaving = new AbortController();
process.once("SIGINT", () => leaving.abort(new Error("interrupted")));
process.once("SIGTERM", () => leaving.abort(new Error("terminated")));
// `kong-serverless doctor | head` is no reason to fail.
process.stdout.on("error", () => process.exit());

try {
  const { KUSTOMIZE, AWS_ENDPOINT_URL } = readCliEnvironment();
  process.exitCode = await runCommand(process.argv.slice(2), {
    stdin: process.stdin,
    print: (text) => process.stdout.write(`${text}\n`),
    tell: (text) => process.stderr.write(`${text}\n`),
    signal: leaving.signal,
    // From src as from a bundle in dist.
    root: join(import.meta.dirname, "../../.."),
    kustomize: KUSTOMIZE,
    endpointUrl: AWS_ENDPOINT_URL,
  });
} catch (error) {
  // A known error says all in its message; the stack of an unknown one is the only clue that there is.
  if (!(error instanceof ServerlessError)) throw error;
  process.stderr.write(`${tellError(error)}\n`);
  if (process.argv.includes("--json")) process.stdout.write(`${JSON.stringify(errorReport(error))}\n`);
  process.exitCode = exitCode.failed;
}
