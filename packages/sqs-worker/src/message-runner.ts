import type { Log } from "@kong-serverless/runtime";

import type { Acknowledger } from "./acknowledger.ts";
import type { Backoff } from "./backoff.ts";
import { openEnvelope } from "./envelope.ts";
import {
  failureCode,
  HandlerTimeoutError,
  LeaseLostError,
  MessageRejectedError,
  WorkerStoppingError,
} from "./errors.ts";
import type { Lease, Leases } from "./leases.ts";
import type { Handler } from "./message.ts";
import type { WorkerObserver } from "./observer.ts";
import { planRetry } from "./plan-retry.ts";
import type { QueueDescription, ReceivedMessage } from "./queue.ts";
import { RecentIds } from "./recent-ids.ts";

export interface MessageRunnerOptions {
  readonly handler: Handler;
  readonly handlerTimeoutMs: number;
  readonly retryDelay: Backoff;
  readonly leases: Leases;
  readonly acknowledger: Acknowledger;
  readonly observer: WorkerObserver;
  readonly log: Log;
}

interface Running {
  readonly received: ReceivedMessage;
  readonly lease: Lease;
  readonly controller: AbortController;
}

/** Ids of messages that were handled but could not be deleted; the oldest are forgotten. */
const maxRemembered = 10_000;

/** Takes one received message to its end: handled and deleted, or given back to the queue. */
export class MessageRunner {
  readonly #options: MessageRunnerOptions;
  readonly #running = new Set<Running>();
  readonly #undeleted = new RecentIds(maxRemembered);
  /** What the queue is known to do with messages that fail. */
  queue: QueueDescription = {};

  constructor(options: MessageRunnerOptions) {
    this.#options = options;
  }

  /** Messages whose handlers are at work or have not ended in spite of their time limit. */
  get inProgress(): number {
    return this.#running.size;
  }

  /** Epoch ms at which the oldest message in progress was sent. */
  get oldestSentAt(): number | undefined {
    let oldest: number | undefined;
    for (const { received } of this.#running) {
      if (received.sentAt !== undefined && !(oldest !== undefined && oldest <= received.sentAt)) {
        oldest = received.sentAt;
      }
    }
    return oldest;
  }

  /** Aborts every handler and gives its message back. */
  abort(): void {
    for (const { controller } of this.#running) controller.abort(new WorkerStoppingError());
  }

  /**
   * Never throws. Calls `onHandlerEnded` once the handler has really ended, which may be after its time limit: until then it
   * takes part in the worker's concurrency.
   */
  async run(received: ReceivedMessage, onHandlerEnded: () => void): Promise<void> {
    const { leases, observer, log } = this.#options;
    const controller = new AbortController();
    const lease = leases.hold(received, (reason) => controller.abort(new LeaseLostError(reason)));
    if (this.#undeleted.has(received.id)) {
      log.info({ messageId: received.id }, "message.redelivered");
      await this.#delete(received, lease, onHandlerEnded);
      return;
    }
    const running: Running = { received, lease, controller };
    this.#running.add(running);
    const startedAt = performance.now();
    const work = this.#handle(running);
    const end = () => {
      this.#running.delete(running);
      return performance.now() - startedAt;
    };
    try {
      await unlessAborted(work, controller.signal);
    } catch (error) {
      void work.then(end, end).then(onHandlerEnded);
      await this.#fail(running, error, performance.now() - startedAt);
      return;
    }
    const durationMs = end();
    observer.handled?.(durationMs);
    log.info({ messageId: received.id, durationMs: Math.round(durationMs) }, "message.handled");
    await this.#delete(received, lease, onHandlerEnded);
  }

  async #handle({ received, controller }: Running): Promise<void> {
    const { handler, handlerTimeoutMs, log } = this.#options;
    const limit = setTimeout(
      () => controller.abort(new HandlerTimeoutError(handlerTimeoutMs)),
      handlerTimeoutMs,
    );
    try {
      await handler(openEnvelope(received), {
        signal: controller.signal,
        log,
        reject: (reason, cause) => {
          throw new MessageRejectedError(reason, cause);
        },
      });
    } finally {
      clearTimeout(limit);
    }
  }

  async #delete({ id, receiptHandle }: ReceivedMessage, lease: Lease, onAdmitted: () => void): Promise<void> {
    const { acknowledger, observer, log } = this.#options;
    try {
      // Until then the lease holds: a message that waits for its deletion must not be delivered again.
      await acknowledger.admit().finally(onAdmitted);
      await acknowledger.delete(receiptHandle);
      this.#undeleted.delete(id);
      observer.deleted?.();
    } catch (error) {
      this.#undeleted.add(id);
      log.warn({ messageId: id, reason: String(error) }, "message.delete_failed");
    } finally {
      lease.end();
    }
  }

  async #fail({ received, lease }: Running, error: unknown, durationMs: number): Promise<void> {
    const { retryDelay, observer, log } = this.#options;
    const { id: messageId, receiveCount } = received;
    if (error instanceof WorkerStoppingError) {
      observer.returned?.(1);
      log.info({ messageId }, "message.returned");
      await lease.giveBack(0);
      return;
    }
    const code = failureCode(error);
    const reason = error instanceof Error ? error.message : String(error);
    const { isLast, retryInSeconds } = planRetry(error, { receiveCount, retryDelay, ...this.queue });
    observer.failed?.(code, durationMs);
    log.warn({ messageId, code, reason, receiveCount, retryInSeconds }, "message.failed");
    if (isLast) {
      observer.deadLettered?.();
      log.error({ messageId, code, reason, receiveCount }, "message.dead_lettered");
    }
    if (error instanceof LeaseLostError) lease.end();
    // The queue moves a message that has had its last chance when it is next asked for: now is best.
    else await lease.giveBack(retryInSeconds);
  }
}

/** Settles as `work` does, or rejects as soon as `signal` aborts, with its reason. */
function unlessAborted(work: Promise<void>, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
    work.then(resolve, reject);
  });
}
