import { appendFileSync } from "node:fs";
import { join } from "node:path";

import { sleep } from "@kong-serverless/runtime";

/** What a message of a kill story asks its handler to do. */
export interface RecordedWork {
  readonly number: number;
  /** Where to write down that it was handled. */
  readonly directory: string;
  readonly durationMs: number;
  /** Deliveries that fail before one succeeds. */
  readonly failures: number;
  /** How the handler fails: by an error, by rejecting the message, or by letting an error escape into a timer and never ending. */
  readonly failsBy: "error" | "rejection" | "escape";
}

/** A handler module for the consumer: works, and leaves a record that outlives the process however that ends. */
export async function handler(
  { data, receiveCount }: { readonly data: unknown; readonly receiveCount: number },
  context: { readonly signal: AbortSignal; readonly reject: (reason: string) => never },
): Promise<void> {
  const { number, directory, durationMs, failures, failsBy } = data as RecordedWork;
  await sleep(durationMs, context.signal);
  if (receiveCount <= failures) {
    if (failsBy === "escape") return escape(number);
    if (failsBy === "rejection") context.reject(`number ${number} is never handled`);
    throw new Error(`number ${number} fails on delivery ${receiveCount}`);
  }
  appendFileSync(join(directory, String(process.pid)), `${number}\n`);
}

function escape(number: number): Promise<never> {
  setTimeout(() => {
    throw new Error(`number ${number} escapes`);
  }, 1);
  return new Promise(() => {});
}
