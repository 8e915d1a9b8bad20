import { type ErrorCode, type ErrorCodeName, errorCodes } from "./error-codes.ts";

export interface ServerlessErrorOptions {
  /** Name of the backend that the error is about. */
  readonly backend?: string;
  readonly cause?: unknown;
}

/** Base of every error that this project throws on purpose: stable `code`, listed in docs/errors.md. */
export class ServerlessError extends Error {
  readonly code: ErrorCodeName;
  readonly backend?: string;

  constructor(code: ErrorCodeName, message: string, options: ServerlessErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = new.target.name;
    this.code = code;
    if (options.backend !== undefined) this.backend = options.backend;
  }

  /** HTTP status that answers this error; 500 for a code that is not meant to reach a client. */
  get status(): number {
    return (errorCodes[this.code] as ErrorCode).status ?? 500;
  }
}
