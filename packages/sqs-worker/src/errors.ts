import { ServerlessError } from "@kong-serverless/runtime";

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

/** A short, stable name for why a message was not handled: a bounded set, fit for a metric's label. */
export function failureCode(error: unknown): string {
  return isServerlessError(error) ? error.code : "HANDLER_FAILED";
}

/** What `error` says about itself, whatever was thrown: a value without a prototype, or with getters that throw. Never throws. */
export function reasonOf(error: unknown): string {
  try {
    if (typeof error !== "object" || error === null) return String(error);
    const { message, name, code } = error as { message?: unknown; name?: unknown; code?: unknown };
    const said = [message, code, name].find(
      (text): text is string => typeof text === "string" && text !== "",
    );
    return said ?? (error as { toString(): string }).toString().slice();
  } catch {
    return "a value that cannot be printed";
  }
}

/** At most `maxLength` characters of `text`, with a note of how much was cut. */
export function cut(text: string, maxLength: number): string {
  if (text.length <= maxLength) return text;
  return `${text.slice(0, maxLength).toWellFormed()}… (${text.length - maxLength} more characters)`;
}

/** `instanceof` asks the value for its prototype, and a proxy may answer that by throwing. */
function isServerlessError(error: unknown): error is ServerlessError {
  try {
    return error instanceof ServerlessError;
  } catch {
    return false;
  }
}
