import { sleep } from "@kong-serverless/runtime";

import type { Permits } from "./permits.ts";
import type { QueueCondition } from "./queue-condition.ts";
import type { Queue, ReceivedMessage } from "./queue.ts";

export interface PollersOptions {
  readonly queue: Queue;
  readonly maxPollers: number;
  /** Polling ends after this many messages, or earlier at the first empty answer. Infinity: it never ends. */
  readonly maxMessages: number;
  /** Length of a long poll of a worker that has been idle for a while. */
  readonly waitSeconds: number;
  readonly visibilitySeconds: number;
  readonly permits: Permits;
  readonly condition: QueueCondition;
  /** Takes over the messages, with one permit for each. */
  readonly onMessages: (messages: readonly ReceivedMessage[]) => void;
  /** No receive call starts after it aborts. */
  readonly stopping: AbortSignal;
  /** Aborts receive calls in progress. */
  readonly signal: AbortSignal;
}

const receiveSize = 10;
/** Long polls of a worker that recently had work are shorter, so that it stops sooner: that is when workers get scaled down. */
const maxBusyWaitSeconds = 5;
const idleAfterMs = 60_000;

/**
 * Concurrent pollers, as many as the queue has work for: a poller that got all it asked for starts another, one that got nothing
 * ends, and the last one stays. So an empty queue sees a single long poll, and the others, which wait for a second at most,
 * are gone soon after the last message.
 */
export class Pollers {
  readonly #options: PollersOptions;
  readonly #ended = Promise.withResolvers<void>();
  #polling = 0;
  /** Messages that may still be asked for. */
  #budget: number;
  /** On the monotonic clock. */
  #lastMessageAt = performance.now();

  constructor(options: PollersOptions) {
    this.#options = options;
    this.#budget = options.maxMessages;
  }

  /** Resolves when every poller has ended: after `stopping` aborts, or once `maxMessages` have been received. */
  run(): Promise<void> {
    this.#lastMessageAt = performance.now();
    this.#add();
    return this.#ended.promise;
  }

  #add(): void {
    this.#polling += 1;
    const end = () => {
      this.#polling -= 1;
      if (this.#polling === 0) this.#ended.resolve();
    };
    // Throws only when `stopping` ends a wait.
    this.#poll().then((hasRetired) => hasRetired || end(), end);
  }

  /**
   * Whether a poller may end because others go on. It counts as gone right away: when several fail together, for lack of
   * credentials for example, they must not all leave the work to each other.
   */
  #retire(): boolean {
    if (this.#polling <= 1) return false;
    this.#polling -= 1;
    return true;
  }

  /** Resolves with whether it has retired and is no longer counted. */
  async #poll(): Promise<boolean> {
    const { permits, condition, maxPollers, maxMessages, onMessages, stopping } = this.#options;
    while (!stopping.aborted && this.#budget > 0) {
      const taken = await this.#take();
      let messages: readonly ReceivedMessage[] = [];
      try {
        messages = await this.#receive(taken);
      } catch (error) {
        if (stopping.aborted) return false;
        const delayMs = condition.failed(error);
        if (this.#retire()) return true;
        await sleep(delayMs, stopping);
        continue;
      } finally {
        permits.release(taken - messages.length);
        this.#budget += taken - messages.length;
      }
      condition.succeeded();
      if (messages.length > 0) this.#lastMessageAt = performance.now();
      onMessages(messages);
      if (messages.length === taken && this.#polling < maxPollers && !stopping.aborted) this.#add();
      // "Empty" may also mean that another worker was quicker, so the one that stays asks again at once.
      if (messages.length > 0) continue;
      if (this.#retire()) return true;
      if (Number.isFinite(maxMessages)) return false;
    }
    return false;
  }

  async #take(): Promise<number> {
    const wanted = Math.min(receiveSize, this.#budget);
    this.#budget -= wanted;
    const taken = await this.#options.permits.take(wanted, this.#options.stopping);
    this.#budget += wanted - taken;
    return taken;
  }

  #receive(maxMessages: number): Promise<ReceivedMessage[]> {
    const { queue, visibilitySeconds, stopping, signal } = this.#options;
    const waitSeconds = this.#waitSeconds();
    return queue.receive({ maxMessages, waitSeconds, visibilitySeconds, stopping }, signal);
  }

  #waitSeconds(): number {
    const { waitSeconds } = this.#options;
    if (this.#polling > 1) return 1;
    const isIdle = performance.now() - this.#lastMessageAt >= idleAfterMs;
    return isIdle ? waitSeconds : Math.min(waitSeconds, maxBusyWaitSeconds);
  }
}
