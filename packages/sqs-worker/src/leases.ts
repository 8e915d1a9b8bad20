import type { Log } from "@kong-serverless/runtime";

import { Batcher, EntryError } from "./batcher.ts";
import type { QueueCondition } from "./queue-condition.ts";
import type { Queue, VisibilityChange } from "./queue.ts";
import { reasonOf } from "./reason.ts";

/** A received message belongs to this worker only until its visibility ends; the lease extends that until it is released. */
export interface Lease {
  /** Releases the message without a call: it was deleted, or already belongs to another worker. */
  end(): void;
  /** Makes the message visible to every worker after `delaySeconds`. Never throws: at worst that happens when the visibility ends. */
  giveBack(delaySeconds: number): Promise<void>;
}

export interface LeasesOptions {
  readonly queue: Queue;
  readonly visibilitySeconds: number;
  readonly condition: QueueCondition;
  readonly log: Log;
  /** Aborts calls in progress and prevents further ones. */
  readonly signal: AbortSignal;
}

interface Held {
  readonly messageId: string;
  readonly receiptHandle: string;
  readonly onLost: (reason: string) => void;
  /** On the monotonic clock: setting the wall clock must not affect leases. */
  extendAt: number;
  extension: Promise<void> | undefined;
}

/** Extends the visibility of every message in progress, in batches, well before it ends. */
export class Leases {
  readonly #options: LeasesOptions;
  readonly #changes: Batcher<VisibilityChange>;
  readonly #held = new Set<Held>();
  readonly #visibilityMs: number;
  #sweeping: NodeJS.Timeout | undefined;

  constructor(options: LeasesOptions) {
    this.#options = options;
    this.#visibilityMs = options.visibilitySeconds * 1000;
    this.#changes = new Batcher({
      delayMs: 5,
      maxCalls: 4,
      send: (changes) => options.queue.changeVisibility(changes, options.signal),
    });
  }

  /** `onLost` is called when the queue says that the message is no longer this worker's. */
  hold(message: { id: string; receiptHandle: string }, onLost: (reason: string) => void): Lease {
    const held: Held = {
      messageId: message.id,
      receiptHandle: message.receiptHandle,
      onLost,
      extendAt: performance.now() + this.#visibilityMs / 2,
      extension: undefined,
    };
    this.#held.add(held);
    // Sweeping four times per visibility timeout leaves a second chance if an extension at half of it fails.
    this.#sweeping ??= setInterval(() => this.#sweep(), this.#visibilityMs / 4);
    return {
      end: () => this.#end(held),
      giveBack: async (delaySeconds) => {
        this.#end(held);
        // An extension that arrived later would undo this.
        await held.extension;
        await this.#giveBack(held, delaySeconds);
      },
    };
  }

  #end(held: Held): void {
    this.#held.delete(held);
    if (this.#held.size > 0) return;
    clearInterval(this.#sweeping);
    this.#sweeping = undefined;
  }

  #sweep(): void {
    const now = performance.now();
    for (const held of this.#held) {
      if (held.extendAt <= now && held.extension === undefined) held.extension = this.#extend(held);
    }
  }

  async #extend(held: Held): Promise<void> {
    const { condition, visibilitySeconds } = this.#options;
    const askedAt = performance.now();
    try {
      await this.#changes.add({ receiptHandle: held.receiptHandle, visibilitySeconds });
      held.extendAt = askedAt + this.#visibilityMs / 2;
      condition.succeeded();
    } catch (error) {
      if (!(error instanceof EntryError)) condition.failed(error);
      else if (error.isFinal && this.#held.has(held)) {
        this.#end(held);
        held.onLost(error.reason);
      }
    } finally {
      held.extension = undefined;
    }
  }

  async #giveBack({ messageId, receiptHandle }: Held, delaySeconds: number): Promise<void> {
    const { condition, log } = this.#options;
    try {
      await this.#changes.add({ receiptHandle, visibilitySeconds: delaySeconds });
      condition.succeeded();
    } catch (error) {
      if (!(error instanceof EntryError)) condition.failed(error);
      log.warn({ messageId, reason: reasonOf(error) }, "message.give_back_failed");
    }
  }
}
