import { errorCodes, type ServerlessError } from "@kong-serverless/runtime";

/** What `--json` prints when the command could not do its work. */
export interface ErrorReport {
  readonly ok: false;
  readonly error: { readonly code: string; readonly message: string; readonly remedy: string };
}

export function errorReport({ code, message }: ServerlessError): ErrorReport {
  return { ok: false, error: { code, message, remedy: errorCodes[code].remedy } };
}

/** The same for reading. */
export function tellError({ code, message }: ServerlessError): string {
  return `${code}: ${message}\n${errorCodes[code].remedy}`;
}
