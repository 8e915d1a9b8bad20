import { sleep } from "@kong-serverless/runtime";

import { Batcher, EntryError } from "./batcher.ts";
import { Permits } from "./permits.ts";
import type { QueueCondition } from "./queue-condition.ts";
import type { Queue } from "./queue.ts";

export interface AcknowledgerOptions {
  readonly queue: Queue;
  /** Handled messages that may wait for their deletion; further ones wait to be admitted. */
  readonly maxBacklog: number;
  readonly condition: QueueCondition;
  /** Ends the calls that are under way and further attempts. */
  readonly signal: AbortSignal;
}

/** Deletes handled messages, in batches, and does not give up while the queue may still take the deletion. */
export class Acknowledger {
  readonly #options: AcknowledgerOptions;
  readonly #deletes: Batcher<string>;
  readonly #room: Permits;

  constructor(options: AcknowledgerOptions) {
    this.#options = options;
    this.#room = new Permits(options.maxBacklog, { gatherMs: 0 });
    this.#deletes = new Batcher({
      delayMs: 5,
      maxCalls: 8,
      send: (receiptHandles) => options.queue.delete(receiptHandles, options.signal),
    });
  }

  /**
   * Resolves once the backlog has room for one more deletion. While the queue takes none, handled messages pile up here,
   * and waiting for room is what keeps the worker from receiving ever more that it could not delete.
   */
  async admit(): Promise<void> {
    await this.#room.take(1, this.#options.signal);
  }

  /** Deletes an admitted message. Throws an EntryError when the queue refuses for good, or the signal's reason. */
  async delete(receiptHandle: string): Promise<void> {
    const { condition, signal } = this.#options;
    try {
      for (;;) {
        try {
          await this.#deletes.add(receiptHandle);
          condition.succeeded();
          return;
        } catch (error) {
          if (signal.aborted || (error instanceof EntryError && error.isFinal)) throw error;
          await sleep(condition.failed(error), signal);
        }
      }
    } finally {
      this.#room.release(1);
    }
  }
}
