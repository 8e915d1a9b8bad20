import type { Log } from "@kong-serverless/runtime";
import type { Worker } from "@kong-serverless/sqs-worker";

/**
 * Keeps the process running when an error escapes from a handler into a timer, an event or a promise that nobody awaits: it fails
 * only that handler's message. Node would end the process, which would cost every message in progress a receive.
 */
export function surviveStrayErrors(worker: Worker, log: Log, onError: () => void): void {
  const survive = (error: unknown) => {
    onError();
    const messageId = worker.blame(error);
    log.error({ messageId, error: printable(error) }, "handler.error_escaped");
  };
  process.on("uncaughtException", survive);
  process.on("unhandledRejection", survive);
}

/** The log serializes an error's fields, and getters of a foreign error may throw. */
function printable(error: unknown): unknown {
  try {
    return error instanceof Error
      ? { message: error.message, stack: error.stack }
      : { message: String(error) };
  } catch {
    return { message: "a value that cannot be printed" };
  }
}
