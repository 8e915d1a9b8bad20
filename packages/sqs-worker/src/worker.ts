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
  /** Handlers at work at once, 1 to 1,000; 10 unless given. */
  readonly concurrency?: number;
  /** Receive calls under way at once; one for each 10 of `concurrency`, at most 16, unless given. */
  readonly maxPollers?: number;
  /** Work off this many messages, or what there is of them, and end; no end unless given. */
  readonly maxMessages?: number;
  /**
   * Length of a long poll of a worker that has had no message for a minute, 1 to 20; 20 unless given. With work, or shortly after, it is 5
   * at most. An idle worker takes up to this long to stop.
   */
  readonly waitSeconds?: number;
  /** For how long a message in work is hidden from other workers; extended as long as its handler runs. 60 unless given. */
  readonly visibilitySeconds?: number;
  /** How long a handler may take for one message; 300,000 unless given. */
  readonly handlerTimeoutMs?: number;
  /** Delay before a failed message's first retry, doubled with every further receive; 1,000 unless given. */
  readonly retryDelayMs?: number;
  /** The longest delay before a retry; 300,000 unless given. */
  readonly maxRetryDelayMs?: number;
  readonly log?: Log;
  /** Whether log lines may quote what handlers say about a message, 1,024 characters at most; true unless given. */
  readonly logContent?: boolean;
  readonly observer?: WorkerObserver;
}

/** Receives, handles and deletes messages until it is stopped. */
export interface Worker {
  /** Resolves when the work is at its end: after a stop, or with the last of `maxMessages`. Never rejects. */
  start(): Promise<void>;
  /**
   * Receives nothing more, lets handlers finish and gives back what is unfinished shortly before `graceMs` have
   * passed. Resolves when every message is deleted or given back, at the latest after `graceMs`. Never throws.
   */
  stop(options: { graceMs: number }): Promise<void>;
  /** Names what keeps the worker from working; empty when nothing does. */
  notReady(): readonly string[];
  /** Names what only a restart of the process can help against; empty when nothing has to be. */
  notAlive(): readonly string[];
  /**
   * Fails the message whose handler let `error` escape into a timer or a promise that nobody awaits: for the process's own
   * `uncaughtException` and `unhandledRejection` events. Returns the message's id; undefined when it was no handler's doing.
   */
  blame(error: unknown): string | undefined;
  /** Messages whose handlers have not ended. */
  readonly inProgress: number;
  /** Handlers among these that nobody waits for any more. */
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

/** Of the grace period, at most this much is kept for giving back messages and flushing deletes. */
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
  /** Receiving and acknowledging end at different times: a receive that is cut short leaves messages behind, a delete that is cut short repeats them. */
  readonly #receiving = new AbortController();
  readonly #acknowledging = new AbortController();
  /** What the queue is known to do with messages that fail. */
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
      // Stopped before the queue could be asked.
      () => {},
    );
    return this.#finish();
  }

  async stop({ graceMs }: { graceMs: number }): Promise<void> {
    this.#stopping.abort(new Error("the worker stops"));
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

  /** What the queue does with messages that fail decides how failures are given back. Not being allowed to ask is no obstacle. */
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

  /** Resolves when nothing is received any more and every message is deleted or given back. */
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
