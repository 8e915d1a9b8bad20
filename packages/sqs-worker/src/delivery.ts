import { AsyncLocalStorage } from "node:async_hooks";

import { type Backoff, backoffMs, type Log } from "@kong-serverless/runtime";

import type { Acknowledger } from "./acknowledger.ts";
import { openEnvelope } from "./envelope.ts";
import {
  failureCode,
  HandlerTimeoutError,
  LeaseLostError,
  MessageCorruptedError,
  MessageRejectedError,
} from "./errors.ts";
import type { Lease, Leases } from "./leases.ts";
import type { Handler, HandlerContext, WorkerObserver } from "./message.ts";
import type { Permits } from "./permits.ts";
import type { ReceivedMessage } from "./queue.ts";
import { cut, reasonOf } from "./reason.ts";

export interface DeliveryDeps {
  readonly handler: Handler;
  readonly handlerTimeoutMs: number;
  readonly retryDelay: Backoff;
  /** After how many receives the queue moves a message to its dead-letter queue; undefined without one, or while that is not known. */
  readonly maxReceiveCount: () => number | undefined;
  readonly leases: Leases;
  readonly acknowledger: Acknowledger;
  /** The delivery has one permit of these and returns it once. */
  readonly permits: Permits;
  readonly atWork: HandlersAtWork;
  readonly observer: WorkerObserver;
  readonly log: Log;
  /** Whether log lines may quote what handlers say about messages, which may quote the messages. */
  readonly logContent: boolean;
}

/** For how long a handler may go on once its signal has aborted, before its slot is given to another. */
const abandonAfterMs = 5000;
/** The longest reason in a log line: enough to find the fault, too little to flood a log with one message. */
const maxReasonLength = 1024;

const current = new AsyncLocalStorage<Delivery>();

/** The delivery whose handler the running code, a timer or a promise of it, was started by. */
export function currentDelivery(): Delivery | undefined {
  return current.getStore();
}

/**
 * One received message on its way to its end: handled and deleted, or given back to the queue. It holds the message's lease, one
 * of the worker's permits and the handler's abort signal, and lets go of each itself.
 */
export class Delivery {
  readonly #received: ReceivedMessage;
  readonly #deps: DeliveryDeps;
  readonly #lease: Lease;
  #controller: AbortController | undefined;
  #abortReason: Error | undefined;
  /** Ends the wait for the handler; set while that lasts. */
  #interrupt: ((reason: unknown) => void) | undefined;
  #isHandlerRunning = false;
  #hasPermit = true;

  constructor(received: ReceivedMessage, deps: DeliveryDeps) {
    this.#received = received;
    this.#deps = deps;
    this.#lease = deps.leases.hold(received, (reason) => this.abort(new LeaseLostError(reason)));
  }

  get messageId(): string {
    return this.#received.id;
  }

  get sentAt(): number | undefined {
    return this.#received.sentAt;
  }

  /** Gives the message back as it came, unhandled. */
  async return(): Promise<void> {
    this.#releasePermit();
    await this.#lease.giveBack(0);
  }

  /** Resolves when the message is deleted or given back; its handler may still be running then. Never rejects. */
  async run(): Promise<void> {
    const { acknowledger, observer, log } = this.#deps;
    const { id: messageId, fault } = this.#received;
    if (acknowledger.owes(messageId)) {
      log.info({ messageId }, "message.redelivered");
      await this.#delete();
      return;
    }
    const startedAt = performance.now();
    try {
      if (fault !== undefined) throw new MessageCorruptedError(fault);
      await this.#handle();
    } catch (error) {
      if (!this.#isHandlerRunning) this.#releasePermit();
      await this.#fail(error, performance.now() - startedAt);
      return;
    }
    const durationMs = performance.now() - startedAt;
    observer.handled?.(durationMs);
    log.info({ messageId, durationMs: Math.round(durationMs) }, "message.handled");
    await this.#delete();
  }

  /** Aborts the handler's signal and fails the message at once. Does nothing when the handler has ended. */
  abort(reason: Error): void {
    if (!this.#isHandlerRunning || this.#abortReason !== undefined) return;
    this.#abortReason = reason;
    setTimeout(() => this.#abandon(), abandonAfterMs).unref();
    this.#interrupt?.(reason);
    this.#controller?.abort(reason);
  }

  /** Fails the message because of an error that its handler let escape, which counts as the handler's end: most then never settle. */
  blame(error: unknown): void {
    if (!this.#isHandlerRunning || this.#abortReason !== undefined) return;
    this.#abortReason = new Error("the handler let an error escape", { cause: error });
    this.#interrupt?.(error);
    this.#controller?.abort(this.#abortReason);
    this.#endHandler();
  }

  /** Settles with the handler, or rejects as soon as the delivery is aborted. */
  #handle(): Promise<void> {
    const { handler, handlerTimeoutMs, atWork } = this.#deps;
    const message = openEnvelope(this.#received);
    const context = this.#createContext();
    this.#isHandlerRunning = true;
    atWork.add(this);
    return new Promise((resolve, reject) => {
      this.#interrupt = reject;
      const limit = setTimeout(() => this.abort(new HandlerTimeoutError(handlerTimeoutMs)), handlerTimeoutMs);
      const end = () => {
        clearTimeout(limit);
        this.#endHandler();
      };
      current
        .run(this, async () => handler(message, context))
        .then(
          () => {
            end();
            resolve();
          },
          (error: unknown) => {
            end();
            reject(error);
          },
        );
    });
  }

  #createContext(): HandlerContext {
    const signal = () => this.#signal();
    return {
      // Many handlers do not ask for it, and making one is a good part of what a message costs.
      get signal() {
        return signal();
      },
      log: this.#deps.log,
      reject: rejectMessage,
    };
  }

  #signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#abortReason !== undefined) this.#controller.abort(this.#abortReason);
    }
    return this.#controller.signal;
  }

  #endHandler(): void {
    if (!this.#isHandlerRunning) return;
    this.#isHandlerRunning = false;
    this.#interrupt = undefined;
    this.#deps.atWork.remove(this);
    // Of a handler that nobody waited for any more, nothing else will.
    if (this.#abortReason !== undefined) this.#releasePermit();
  }

  #abandon(): void {
    if (!this.#isHandlerRunning) return;
    const { atWork, observer, log } = this.#deps;
    if (atWork.abandon(this)) this.#releasePermit();
    observer.handlerAbandoned?.();
    log.error({ messageId: this.messageId, abandoned: atWork.abandoned }, "handler.abandoned");
  }

  #releasePermit(): void {
    if (!this.#hasPermit) return;
    this.#hasPermit = false;
    this.#deps.permits.release(1);
  }

  async #delete(): Promise<void> {
    const { acknowledger, observer, log } = this.#deps;
    try {
      // Until then the lease holds: a message that waits for its deletion must not be delivered again. So does the permit: while
      // the queue deletes nothing, nothing more is received.
      await acknowledger.admit().finally(() => this.#releasePermit());
      await acknowledger.delete(this.#received);
      observer.deleted?.();
    } catch (error) {
      log.warn({ messageId: this.messageId, reason: reasonOf(error) }, "message.delete_failed");
    } finally {
      this.#lease.end();
    }
  }

  async #fail(error: unknown, durationMs: number): Promise<void> {
    const { observer, log } = this.#deps;
    const { id: messageId, receiveCount } = this.#received;
    const code = failureCode(error);
    if (code === "WORKER_STOPPING") {
      observer.returned?.(1);
      log.info({ messageId }, "message.returned");
      await this.#lease.giveBack(0);
      return;
    }
    const reason = this.#quote(error);
    const { isLast, retryInSeconds } = this.#planRetry(error);
    observer.failed?.(code, durationMs);
    log.warn({ messageId, code, reason, receiveCount, retryInSeconds }, "message.failed");
    if (isLast) {
      observer.deadLettered?.();
      log.error({ messageId, code, reason, receiveCount }, "message.dead_lettered");
    }
    if (code === "MESSAGE_LEASE_LOST") this.#lease.end();
    // The queue moves a message that has had its last chance when it is next asked for: now is best.
    else await this.#lease.giveBack(retryInSeconds);
  }

  /** What handlers say about a message may quote it. */
  #quote(error: unknown): string | undefined {
    const code = failureCode(error);
    const mayQuote = code === "HANDLER_FAILED" || code === "MESSAGE_REJECTED";
    return mayQuote && !this.#deps.logContent ? undefined : cut(reasonOf(error), maxReasonLength);
  }

  /** Decides when a message that failed may come again. `isLast`: it goes to the dead-letter queue when that is next asked for. */
  #planRetry(error: unknown): { isLast: boolean; retryInSeconds: number } {
    const { retryDelay } = this.#deps;
    const { receiveCount } = this.#received;
    const maxReceiveCount = this.#deps.maxReceiveCount();
    if (maxReceiveCount !== undefined && receiveCount >= maxReceiveCount)
      return { isLast: true, retryInSeconds: 0 };
    const delayMs = () => {
      if (failureCode(error) !== "MESSAGE_REJECTED") return backoffMs(receiveCount, retryDelay);
      // What can never be handled hurries to the dead-letter queue; without one it would come round forever.
      return maxReceiveCount === undefined ? retryDelay.maxMs : 0;
    };
    return { isLast: false, retryInSeconds: Math.round(delayMs() / 1000) };
  }
}

function rejectMessage(reason: string, cause?: unknown): never {
  throw new MessageRejectedError(reason, cause);
}

/** The deliveries whose handlers have not ended, those included that nobody waits for any more. */
export class HandlersAtWork {
  readonly #concurrency: number;
  readonly #deliveries = new Set<Delivery>();
  readonly #abandoned = new Set<Delivery>();

  constructor(concurrency: number) {
    this.#concurrency = concurrency;
  }

  get count(): number {
    return this.#deliveries.size;
  }

  /** Handlers that ignored the end of their time and hold no slot any more. */
  get abandoned(): number {
    return this.#abandoned.size;
  }

  /** Whether as many handlers never end as the worker has slots: only a restart gets rid of them. */
  get areStuck(): boolean {
    return this.#abandoned.size >= this.#concurrency;
  }

  /** Epoch ms at which the oldest message in work was sent. */
  get oldestSentAt(): number | undefined {
    let oldest: number | undefined;
    for (const { sentAt } of this.#deliveries) {
      if (sentAt !== undefined && !(oldest !== undefined && oldest <= sentAt)) oldest = sentAt;
    }
    return oldest;
  }

  add(delivery: Delivery): void {
    this.#deliveries.add(delivery);
  }

  /** Counts a handler as abandoned, and says whether another may start in its place: at most twice the concurrency ever runs. */
  abandon(delivery: Delivery): boolean {
    this.#abandoned.add(delivery);
    return this.#abandoned.size <= this.#concurrency;
  }

  remove(delivery: Delivery): void {
    this.#deliveries.delete(delivery);
    this.#abandoned.delete(delivery);
  }

  /** Aborts every handler; its message is given back. */
  abort(reason: Error): void {
    for (const delivery of this.#deliveries) delivery.abort(reason);
  }
}
