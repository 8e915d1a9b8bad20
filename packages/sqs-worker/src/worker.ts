import { type Log, silentLog, sleep } from "@kong-serverless/runtime";

import { Acknowledger } from "./acknowledger.ts";
import { Leases } from "./leases.ts";
import { MessageRunner } from "./message-runner.ts";
import type { WorkerObserver } from "./observer.ts";
import { Permits } from "./permits.ts";
import { Pollers } from "./pollers.ts";
import { classify, QueueCondition, type QueueOperation } from "./queue-condition.ts";
import type { Queue, ReceivedMessage } from "./queue.ts";
import type { Worker, WorkerOptions } from "./worker-options.ts";

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
  readonly #permits: Permits;
  readonly #conditions: Record<QueueOperation, QueueCondition>;
  readonly #leases: Leases;
  readonly #runner: MessageRunner;
  readonly #pollers: Pollers;
  readonly #open = new Set<Promise<void>>();
  readonly #stopping = new AbortController();
  /** Receiving and acknowledging end at different times: a receive that is cut short leaves messages behind, a delete that is cut short repeats them. */
  readonly #receiving = new AbortController();
  readonly #acknowledging = new AbortController();
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
    this.#permits = new Permits(concurrency, { gatherMs: 25 });
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
    const signal = this.#acknowledging.signal;
    const condition = this.#conditions["change visibility"];
    this.#leases = new Leases({ queue, visibilitySeconds, condition, log, signal });
    this.#runner = new MessageRunner({
      handler,
      handlerTimeoutMs: options.handlerTimeoutMs ?? 300_000,
      retryDelay: { firstMs: options.retryDelayMs ?? 1000, maxMs: options.maxRetryDelayMs ?? 300_000 },
      leases: this.#leases,
      acknowledger: new Acknowledger({
        queue,
        maxBacklog: concurrency + 100,
        condition: this.#conditions.delete,
        signal,
      }),
      observer,
      log,
    });
    this.#pollers = new Pollers({
      queue,
      maxPollers: options.maxPollers ?? Math.min(16, Math.ceil(concurrency / 10)),
      maxMessages: options.maxMessages ?? Number.POSITIVE_INFINITY,
      waitSeconds: options.waitSeconds ?? 5,
      visibilitySeconds,
      permits: this.#permits,
      condition: this.#conditions.receive,
      onMessages: (messages) => this.#accept(messages),
      stopping: this.#stopping.signal,
      signal: this.#receiving.signal,
    });
  }

  get inProgress(): number {
    return this.#runner.inProgress;
  }

  get oldestSentAt(): number | undefined {
    return this.#runner.oldestSentAt;
  }

  notReady(): readonly string[] {
    if (this.#stopping.signal.aborted) return ["stopping"];
    return Object.values(this.#conditions).flatMap(({ complaint }) => complaint ?? []);
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
      this.#runner.abort();
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
        this.#runner.queue = await this.#queue.describe(signal);
        this.#conditions.receive.succeeded();
        return;
      } catch (error) {
        signal.throwIfAborted();
        if (classify(error) === "denied") {
          this.#log.warn({ reason: String(error) }, "queue.attributes_denied");
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
      const task = isStopping
        ? this.#leases.hold(message, () => {}).giveBack(0)
        : this.#runner.run(message, () => this.#permits.release(1));
      const open = task.finally(() => this.#open.delete(open));
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
