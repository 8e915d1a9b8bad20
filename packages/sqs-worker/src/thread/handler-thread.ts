/**
 * Runs in a worker thread: the handler of the module that `workerData` names, one message at a time. It loads only what a handler
 * needs, since every thread pays for it.
 */
import { parentPort, workerData } from "node:worker_threads";

import type { Log } from "@kong-serverless/runtime";

import type { Handler, Message } from "../message.ts";
import { reasonOf } from "../reason.ts";

/** Messages from the worker to a handler's thread. */
export type ToThread =
  | { readonly kind: "handle"; readonly message: Message }
  | { readonly kind: "abort"; readonly reason: string };

/** Messages from a handler's thread to the worker. */
export type FromThread =
  | { readonly kind: "log"; readonly level: keyof Log; readonly fields: object; readonly event: string }
  | { readonly kind: "done" }
  | { readonly kind: "failed"; readonly isRejection: boolean; readonly reason: string };

/** What `reject` throws. */
class Rejection extends Error {}

const port = parentPort;
if (port === null) throw new Error("this module is for worker threads only");

const { module } = workerData as { module: string };
const { handler } = (await import(module)) as { handler: Handler };

let controller = new AbortController();

const tell = (message: FromThread) => port.postMessage(message);

const logMethod = (level: "debug" | "info" | "warn" | "error") => (fields: object, event: string) => {
  // Not every value can cross to another thread; anything that JSON can express can.
  tell({ kind: "log", level, fields: JSON.parse(JSON.stringify(fields)) as object, event });
};
const log = {
  debug: logMethod("debug"),
  info: logMethod("info"),
  warn: logMethod("warn"),
  error: logMethod("error"),
};

port.on("message", (told: ToThread) => {
  if (told.kind === "abort") controller.abort(new Error(told.reason));
  else void handle(told.message);
});

async function handle(message: Message): Promise<void> {
  controller = new AbortController();
  try {
    await handler(withBuffers(message), {
      signal: controller.signal,
      log,
      reject: (reason, cause) => {
        throw new Rejection(reason, { cause });
      },
    });
    tell({ kind: "done" });
  } catch (error) {
    tell({ kind: "failed", isRejection: error instanceof Rejection, reason: reasonOf(error) });
  }
}

/** Buffers become plain Uint8Arrays on their way between threads. */
function withBuffers(message: Message): Message {
  const { data, event } = message;
  if (!(data instanceof Uint8Array)) return message;
  const buffer = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  return { ...message, data: buffer, ...(event && { event: { ...event, data: buffer } }) };
}
