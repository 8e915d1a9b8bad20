import { sleep } from "@kong-serverless/runtime";

import { Batcher, EntryError } from "./batcher.ts";
import { Permits } from "./permits.ts";
import { classify, type QueueCondition } from "./queue-condition.ts";
import type { Queue } from "./queue.ts";

export interface AcknowledgerOptions {
  readonly queue: Queue;
  /** Handled messages that may await deletion; more wait to be admitted. */
  readonly maxBacklog: number;
  readonly condition: QueueCondition;
  /** Aborts calls in progress and prevents further attempts. */
  readonly signal: AbortSignal;
}

/** Ids of messages that were handled but could not be deleted; the oldest are forgotten. */
const maxRemembered = 10_000;

/** Deletes handled messages, in batches, and does not give up while the queue may still take the deletion. */
export class Acknowledger {
  readonly #options: AcknowledgerOptions;
  readonly #deletes: Batcher<string>;
  readonly #room: Permits;
  readonly #undeleted = new Set<string>();

  constructor(options: AcknowledgerOptions) {
    this.#options = options;
    this.#room = new Permits(options.maxBacklog, { gatherMs: 0 });
    this.#deletes = new Batcher({
      delayMs: 5,
      maxCalls: 8,
      send: (receiptHandles) => options.queue.delete(receiptHandles, options.signal),
    });
  }

  /** Whether the message was already handled and only needs to be deleted. */
  owes(messageId: string): boolean {
    return this.#undeleted.has(messageId);
  }

  /**
   * Resolves once the backlog has room for one more deletion. While the queue accepts none, handled messages pile up here;
   * waiting for room keeps the worker from receiving more and more that it cannot delete.
   */
  async admit(): Promise<void> {
    await this.#room.take(1, this.#options.signal);
  }

  /**
   * Deletes an admitted message. Throws an EntryError when the queue refuses for good, the error of a call that could not be made,
   * or the signal's reason; if the message comes again after that, it is known to be handled.
   */
  async delete({ id, receiptHandle }: { id: string; receiptHandle: string }): Promise<void> {
    const { condition, signal } = this.#options;
    try {
      for (;;) {
        try {
          await this.#deletes.add(receiptHandle);
          condition.succeeded();
          this.#undeleted.delete(id);
          return;
        } catch (error) {
          if (signal.aborted || (error instanceof EntryError && error.isFinal)) throw error;
          const delayMs = condition.failed(error);
          if (classify(error) === "internal") throw error;
          await sleep(delayMs, signal);
        }
      }
    } catch (error) {
      this.#remember(id);
      throw error;
    } finally {
      this.#room.release(1);
    }
  }

  #remember(id: string): void {
    this.#undeleted.add(id);
    if (this.#undeleted.size <= maxRemembered) return;
    // A Set iterates in insertion order.
    const [oldest = ""] = this.#undeleted;
    this.#undeleted.delete(oldest);
  }
}
