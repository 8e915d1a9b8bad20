import { ServerlessError } from "@kong-serverless/runtime";

/** The handler says that this message can never be handled. */
export class MessageRejectedError extends ServerlessError {
  constructor(reason: string, cause?: unknown) {
    super("MESSAGE_REJECTED", reason, { cause });
  }
}

/** The handler did not end within its time limit. */
export class HandlerTimeoutError extends ServerlessError {
  constructor(limitMs: number) {
    super("HANDLER_TIMEOUT", `The handler did not end within ${limitMs} ms.`);
  }
}

/** The message became visible to other workers while this one was at it. */
export class LeaseLostError extends ServerlessError {
  constructor(reason: string) {
    super("MESSAGE_LEASE_LOST", `The message is no longer this worker's: ${reason}`);
  }
}

/** The worker's grace period is over. */
export class WorkerStoppingError extends ServerlessError {
  constructor() {
    super("WORKER_STOPPING", "The worker stops and its grace period is over.");
  }
}

/** A short, stable name for why a message was not handled: a bounded set, fit for a metric's label. */
export function failureCode(error: unknown): string {
  return error instanceof ServerlessError ? error.code : "HANDLER_FAILED";
}
