import { ServerlessError } from "@kong-serverless/runtime";

import { reasonOf } from "./reason.ts";

/** The handler says that this message can never be handled. */
export class MessageRejectedError extends ServerlessError {
  constructor(reason: string, cause?: unknown) {
    super("MESSAGE_REJECTED", reason, { cause });
  }
}

/** What arrived is not what was sent. */
export class MessageCorruptedError extends ServerlessError {
  constructor(reason: string) {
    super("MESSAGE_CORRUPTED", reason);
  }
}

/** The handler did not end within its time limit. */
export class HandlerTimeoutError extends ServerlessError {
  constructor(limitMs: number) {
    super("HANDLER_TIMEOUT", `The handler did not end within ${limitMs} ms.`);
  }
}

/** The thread that the handler ran in ended before the handler did. */
export class HandlerCrashedError extends ServerlessError {
  constructor(reason: string, cause?: unknown) {
    super("HANDLER_CRASHED", reason, { cause });
  }
}

/** The message became visible to other workers while this one was handling it. */
export class LeaseLostError extends ServerlessError {
  constructor(reason: string) {
    super("MESSAGE_LEASE_LOST", `The message is no longer this worker's: ${reason}`);
  }
}

/** The worker's grace period is over. */
export class WorkerStoppingError extends ServerlessError {
  constructor() {
    super("WORKER_STOPPING", "The worker is stopping and its grace period is over.");
  }
}

/** A call to the queue got no answer within its deadline. */
export class QueueTimeoutError extends ServerlessError {
  constructor(operation: string, limitMs: number) {
    super("QUEUE_CALL_TIMEOUT", `no answer to ${operation} within ${limitMs} ms`);
  }
}

/** There are no credentials to sign a call with. */
export class QueueCredentialsError extends ServerlessError {
  constructor(cause: unknown) {
    super("QUEUE_CREDENTIALS_UNAVAILABLE", `no credentials: ${reasonOf(cause)}`, { cause });
  }
}

/** The queue's answer cannot be read. */
export class QueueAnswerError extends ServerlessError {
  constructor(reason: string, cause?: unknown) {
    super("QUEUE_ANSWER_INVALID", reason, { cause });
  }
}

/** A short, stable name for why a message was not handled, from a bounded set, so fit for a metric's label. */
export function failureCode(error: unknown): string {
  return isServerlessError(error) ? error.code : "HANDLER_FAILED";
}

/** `instanceof` looks up the value's prototype, on which a proxy may throw. */
function isServerlessError(error: unknown): error is ServerlessError {
  try {
    return error instanceof ServerlessError;
  } catch {
    return false;
  }
}
