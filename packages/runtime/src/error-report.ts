import { type ErrorCodeName, errorCodes } from "./error-codes.ts";
import { ServerlessError } from "./error.ts";

/** What a command prints with `--json` when it could not do its work. */
export interface ErrorReport {
  readonly ok: false;
  readonly error: { readonly code: ErrorCodeName; readonly message: string; readonly remedy: string };
}

/** Their remedy is to read the message, which the reader has just done. */
const saidByMessage: ReadonlySet<ErrorCodeName> = new Set(["CONFIG_INVALID", "INTERRUPTED"]);

/** Whatever was thrown, as `--json` prints it. */
export function errorReport(error: unknown): ErrorReport {
  const code = codeOf(error);
  const message = error instanceof Error ? error.message : String(error);
  return { ok: false, error: { code, message, remedy: errorCodes[code].remedy } };
}

/** The same for a person. */
export function formatError(error: unknown): string {
  const code = codeOf(error);
  // The stack of an error that nobody expected is the only clue to it.
  const isKnown = error instanceof ServerlessError;
  const message = error instanceof Error ? (isKnown ? error.message : error.stack) : String(error);
  return `${code}: ${message}${saidByMessage.has(code) ? "" : `\n${errorCodes[code].remedy}`}`;
}

/** A complaint about the command line. It points at the help where it does not say itself what is allowed. */
export function usageError(complaint: string): string {
  const text = complaint.trimEnd();
  const isVague = /^error: (?:unknown|too many)/.test(text) && !text.includes("Did you mean");
  return isVague ? `${text}\n(see --help)` : text;
}

function codeOf(error: unknown): ErrorCodeName {
  return error instanceof ServerlessError ? error.code : "UNEXPECTED";
}
