import { type Log, silentLog, sleep } from "@kong-serverless/runtime";

import { Acknowledger } from "./acknowledger.ts";
import { currentDelivery, Delivery, type DeliveryDeps, HandlersAtWork } from "./delivery.ts";
import { WorkerStoppingError } from "./errors.ts";
import { Leases } from "./leases.ts";
import type { Handler, WorkerObserver } from "./message.ts";
import { Permits } from "./permits.ts";
import { Pollers } from "./pollers.ts";
import { classify, QueueCondition, type QueueOperation } from "./queue-condition.ts";
import type { Queue, QueueDescription, ReceivedMessage } from "./queue.ts";
import { reasonOf } from "./reason.ts";

export interface WorkerOptions {
  readonly queue: Queue;
  readonly handler: Handler;
  /** Concurrent handlers, 1 to 1,000; 10 unless given. */
  readonly concurrency?: number;
  /** Concurrent receive calls; one per 10 of `concurrency`, at most 16, unless given. */
  readonly maxPollers?: number;
  /** End after this many messages, or earlier when the queue is empty; run until stopped unless given. */
  readonly maxMessages?: number;
  /**
   * Length of a long poll of a worker that has had no message for a minute, 1 to 20; 20 unless given. With work, or shortly after, it is at
   * most 5. An idle worker takes up to this long to stop.
   */
  readonly waitSeconds?: number;
  /** How long a message is hidden from other workers; extended while its handler runs. 60 unless given. */
  readonly visibilitySeconds?: number;
  /** How long a handler may take for one message; 300,000 unless given. */
  readonly handlerTimeoutMs?: number;
  /** Delay before a failed message's first retry, doubled with each further receive; 1,000 unless given. */
  readonly retryDelayMs?: number;
  /** The longest delay before a retry; 300,000 unless given. */
  readonly maxRetryDelayMs?: number;
  readonly log?: Log;
  /** Whether log lines may quote up to 1,024 characters of a handler's error, which may quote its message; true unless given. */
  readonly logContent?: boolean;
  readonly observer?: WorkerObserver;
}

/** Receives, handles and deletes messages until it is stopped. */
export interface Worker {
  /** Resolves when all work is finished: after a stop, or with the last of `maxMessages`. Never rejects. */
  start(): Promise<void>;
  /**
   * Stops receiving, lets handlers finish, and gives back unfinished messages shortly before `graceMs` have passed. Resolves when
   * every message is deleted or given back, after `graceMs` at the latest. Never throws.
   */
  stop(options: { graceMs: number }): Promise<void>;
  /** Names what keeps the worker from working; empty when nothing does. */
  notReady(): readonly string[];
  /** Names problems that only a restart of the process can fix; empty when there are none. */
  notAlive(): readonly string[];
  /**
   * Fails the message whose handler let `error` escape into a timer or a promise that nobody awaits. Call it from the process's
   * `uncaughtException` and `unhandledRejection` events. Returns the message's id, or undefined when no handler was responsible.
   */
  blame(error: unknown): string | undefined;
  /** Messages whose handlers are still running. */
  readonly inProgress: number;
  /** How many of these handlers have been abandoned. */
  readonly abandoned: number;
  /** Epoch ms at which the oldest message in progress was sent. */
  readonly oldestSentAt: number | undefined;
}

/**
 * Builds a worker. Nothing runs before `start`.
 *
 * @example
 * const worker = createWorker({
 *   queue: new SqsQueue({ client: new SQSClient(), queue: { url } }),
 *   handler: async ({ data }, { signal }) => resize(data, signal),
 *   concurrency: 20,
 * });
 * void worker.start();
 */
export function createWorker(options: WorkerOptions): Worker {
  return new QueueWorker(options);
}

/** At most this much of the grace period is reserved for giving back messages and flushing deletes. */
const farewellMs = 3000;

class QueueWorker implements Worker {
  readonly #queue: Queue;
  readonly #log: Log;
  readonly #observer: WorkerObserver;
  readonly #conditions: Record<QueueOperation, QueueCondition>;
  readonly #atWork: HandlersAtWork;
  readonly #delivery: DeliveryDeps;
  readonly #pollers: Pollers;
  readonly #open = new Set<Promise<void>>();
  readonly #stopping = new AbortController();
  /** Separate signals, since both end at different times: cutting a receive short strands messages, cutting a delete short repeats them. */
  readonly #receiving = new AbortController();
  readonly #acknowledging = new AbortController();
  /** What the queue does with failing messages, as far as it is known. */
  #description: QueueDescription = {};
  #work: Promise<void> = Promise.resolve();

  constructor(options: WorkerOptions) {
    const {
      queue,
      handler,
      concurrency = 10,
      visibilitySeconds = 60,
      log = silentLog,
      observer = {},
    } = options;
    this.#queue = queue;
    this.#log = log;
    this.#observer = observer;
    this.#conditions = {
      receive: new QueueCondition({ operation: "receive", initial: "unknown", log, observer }),
      delete: new QueueCondition({ operation: "delete", initial: "ok", log, observer }),
      "change visibility": new QueueCondition({
        operation: "change visibility",
        initial: "ok",
        log,
        observer,
      }),
    };
    this.#atWork = new HandlersAtWork(concurrency);
    const permits = new Permits(concurrency, { gatherMs: 25 });
    const { signal } = this.#acknowledging;
    this.#delivery = {
      handler,
      handlerTimeoutMs: options.handlerTimeoutMs ?? 300_000,
      retryDelay: { firstMs: options.retryDelayMs ?? 1000, maxMs: options.maxRetryDelayMs ?? 300_000 },
      maxReceiveCount: () => this.#description.maxReceiveCount,
      leases: new Leases({
        queue,
        visibilitySeconds,
        condition: this.#conditions["change visibility"],
        log,
        signal,
      }),
      acknowledger: new Acknowledger({
        queue,
        maxBacklog: concurrency + 100,
        condition: this.#conditions.delete,
        signal,
      }),
      permits,
      atWork: this.#atWork,
      observer,
      log,
      logContent: options.logContent ?? true,
    };
    this.#pollers = new Pollers({
      queue,
      maxPollers: options.maxPollers ?? Math.min(16, Math.ceil(concurrency / 10)),
      maxMessages: options.maxMessages ?? Number.POSITIVE_INFINITY,
      waitSeconds: options.waitSeconds ?? 20,
      visibilitySeconds,
      permits,
      condition: this.#conditions.receive,
      onMessages: (messages) => this.#accept(messages),
      stopping: this.#stopping.signal,
      signal: this.#receiving.signal,
    });
  }

  get inProgress(): number {
    return this.#atWork.count;
  }

  get abandoned(): number {
    return this.#atWork.abandoned;
  }

  get oldestSentAt(): number | undefined {
    return this.#atWork.oldestSentAt;
  }

  notReady(): readonly string[] {
    if (this.#stopping.signal.aborted) return ["stopping"];
    return [
      ...Object.values(this.#conditions).flatMap(({ complaint }) => complaint ?? []),
      ...this.notAlive(),
    ];
  }

  notAlive(): readonly string[] {
    return this.#atWork.areStuck ? [`handlers: ${this.#atWork.abandoned} never end`] : [];
  }

  blame(error: unknown): string | undefined {
    const delivery = currentDelivery();
    delivery?.blame(error);
    return delivery?.messageId;
  }

  start(): Promise<void> {
    this.#log.info({}, "worker.started");
    this.#work = this.#describeQueue().then(
      () => this.#pollers.run(),
      // Stopped before the queue answered.
      () => {},
    );
    return this.#finish();
  }

  async stop({ graceMs }: { graceMs: number }): Promise<void> {
    this.#stopping.abort(new Error("the worker is stopping"));
    this.#log.info({ inProgress: this.inProgress, graceMs }, "worker.stopping");
    const reservedMs = Math.min(farewellMs, graceMs / 4);
    const isDone = await endsWithin(graceMs - reservedMs, this.#finish());
    if (!isDone) {
      this.#receiving.abort(new Error("the grace period is over"));
      this.#atWork.abort(new WorkerStoppingError());
      await endsWithin(reservedMs, this.#finish());
    }
    this.#acknowledging.abort(new Error("the worker stopped"));
    this.#log.info({ unfinished: this.inProgress }, "worker.stopped");
  }

  /** What the queue does with failing messages decides how they are given back. Without permission to ask, work starts anyway. */
  async #describeQueue(): Promise<void> {
    const { signal } = this.#stopping;
    for (;;) {
      try {
        this.#description = await this.#queue.describe(signal);
        this.#conditions.receive.succeeded();
        return;
      } catch (error) {
        signal.throwIfAborted();
        if (classify(error) === "denied") {
          this.#log.warn({ reason: reasonOf(error) }, "queue.attributes_denied");
          return;
        }
        await sleep(this.#conditions.receive.failed(error), signal);
      }
    }
  }

  #accept(messages: readonly ReceivedMessage[]): void {
    if (messages.length === 0) return;
    this.#observer.received?.(messages.length);
    const isStopping = this.#stopping.signal.aborted;
    if (isStopping) this.#observer.returned?.(messages.length);
    for (const message of messages) {
      const delivery = new Delivery(message, this.#delivery);
      const open = (isStopping ? delivery.return() : delivery.run()).finally(() => this.#open.delete(open));
      this.#open.add(open);
    }
  }

  /** Resolves once receiving has stopped and every message is deleted or given back. */
  async #finish(): Promise<void> {
    await this.#work;
    await Promise.all(this.#open);
  }
}

/** Whether `work`, which never rejects, ended within `ms`. */
async function endsWithin(ms: number, work: Promise<void>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const timeUp = new Promise<boolean>((resolve) => {
    timer = setTimeout(resolve, ms, false);
  });
  try {
    return await Promise.race([work.then(() => true), timeUp]);
  } finally {
    clearTimeout(timer);
  }
}
