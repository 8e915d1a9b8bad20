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
  /** Number of receives after which the queue dead-letters a message; undefined without a dead-letter queue, or while unknown. */
  readonly maxReceiveCount: () => number | undefined;
  readonly leases: Leases;
  readonly acknowledger: Acknowledger;
  /** The delivery holds one permit from here and returns it exactly once. */
  readonly permits: Permits;
  readonly atWork: HandlersAtWork;
  readonly observer: WorkerObserver;
  readonly log: Log;
  /** Whether log lines may quote handlers' errors, which may in turn quote messages. */
  readonly logContent: boolean;
}

/** How long a handler may keep running after its signal aborts before its slot is given to another. */
const abandonAfterMs = 5000;
/** The longest reason in a log line: enough to find the fault, not enough for one message to flood the log. */
const maxReasonLength = 1024;

const current = new AsyncLocalStorage<Delivery>();

/** The delivery whose handler started the code that is running, perhaps in a timer or a promise. */
export function currentDelivery(): Delivery | undefined {
  return current.getStore();
}

/**
 * One received message until it is either handled and deleted, or given back to the queue. It owns the message's lease, one of the
 * worker's permits and the handler's abort signal, and releases them itself.
 */
export class Delivery {
  readonly #received: ReceivedMessage;
  readonly #deps: DeliveryDeps;
  readonly #lease: Lease;
  #controller: AbortController | undefined;
  #abortReason: Error | undefined;
  /** Ends the wait for the handler; set only during that wait. */
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

  /** Gives the message back unhandled. */
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

  /** Fails the message because its handler let an error escape. The handler counts as ended, since most such handlers never settle. */
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
      // Many handlers never use it, and creating one is a good part of a message's cost.
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
    // Nobody else releases it: `run` has stopped waiting for this handler.
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
      // Keep the lease until then: a message that awaits deletion must not be delivered again. Keep the permit until it is admitted:
      // while the queue deletes nothing, nothing more should be received.
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
    // The queue dead-letters an exhausted message at the next receive, so make it visible right away.
    else await this.#lease.giveBack(retryInSeconds);
  }

  /** A handler's error may quote its message. */
  #quote(error: unknown): string | undefined {
    const code = failureCode(error);
    const mayQuote = code === "HANDLER_FAILED" || code === "MESSAGE_REJECTED";
    return mayQuote && !this.#deps.logContent ? undefined : cut(reasonOf(error), maxReasonLength);
  }

  /** Decides when a failed message may come again. `isLast`: the queue dead-letters it at the next receive. */
  #planRetry(error: unknown): { isLast: boolean; retryInSeconds: number } {
    const { retryDelay } = this.#deps;
    const { receiveCount } = this.#received;
    const maxReceiveCount = this.#deps.maxReceiveCount();
    if (maxReceiveCount !== undefined && receiveCount >= maxReceiveCount)
      return { isLast: true, retryInSeconds: 0 };
    const delayMs = () => {
      if (failureCode(error) !== "MESSAGE_REJECTED") return backoffMs(receiveCount, retryDelay);
      // A rejected message should reach the dead-letter queue quickly; without one it would come back forever.
      return maxReceiveCount === undefined ? retryDelay.maxMs : 0;
    };
    return { isLast: false, retryInSeconds: Math.round(delayMs() / 1000) };
  }
}

function rejectMessage(reason: string, cause?: unknown): never {
  throw new MessageRejectedError(reason, cause);
}

/** The deliveries whose handlers are still running, including abandoned ones. */
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

  /** Running handlers that ignored their abort signal and have lost their slot. */
  get abandoned(): number {
    return this.#abandoned.size;
  }

  /** Whether as many handlers are abandoned as the worker has slots: only a restart gets rid of them. */
  get areStuck(): boolean {
    return this.#abandoned.size >= this.#concurrency;
  }

  /** Epoch ms at which the oldest message in progress was sent. */
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

  /** Counts a handler as abandoned and returns whether another may start in its place: at most twice the concurrency ever runs. */
  abandon(delivery: Delivery): boolean {
    this.#abandoned.add(delivery);
    return this.#abandoned.size <= this.#concurrency;
  }

  remove(delivery: Delivery): void {
    this.#deliveries.delete(delivery);
    this.#abandoned.delete(delivery);
  }

  /** Aborts every handler, which gives its message back. */
  abort(reason: Error): void {
    for (const delivery of this.#deliveries) delivery.abort(reason);
  }
}
