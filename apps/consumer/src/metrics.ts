import type { Worker, WorkerObserver } from "@kong-serverless/sqs-worker";
import { Counter, Gauge, Histogram, Registry } from "prom-client";

/** What Prometheus is told about a worker; all names start with `serverless_consumer_`. */
export class ConsumerMetrics implements WorkerObserver {
  readonly registry = new Registry();
  readonly #received = this.#counter("received_total", "Messages received, again ones included.");
  readonly #handled = this.#counter("handled_total", "Messages whose handler succeeded.");
  readonly #deleted = this.#counter("deleted_total", "Handled messages that the queue deleted.");
  readonly #returned = this.#counter("returned_total", "Messages given back unhandled by a stopping worker.");
  readonly #deadLettered = this.#counter("dead_lettered_total", "Messages that failed for the last time.");
  readonly #failed = new Counter({
    name: "serverless_consumer_failed_total",
    help: "Messages whose handler failed, by error code.",
    labelNames: ["code"],
    registers: [this.registry],
  });
  readonly #failedCalls = new Counter({
    name: "serverless_consumer_queue_errors_total",
    help: "Calls to the queue that failed, by operation and by what the queue's state was taken for.",
    labelNames: ["operation", "state"],
    registers: [this.registry],
  });
  readonly #seconds = new Histogram({
    name: "serverless_consumer_handler_seconds",
    help: "How long handlers took, by outcome.",
    labelNames: ["outcome"],
    buckets: [0.005, 0.025, 0.1, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900],
    registers: [this.registry],
  });

  /** Shows a worker's state at the moment of each scrape. */
  watch(worker: Worker): void {
    this.#gauge("in_progress", "Messages whose handlers have not ended.", () => worker.inProgress);
    this.#gauge(
      "oldest_seconds",
      "Seconds since the oldest message in progress was sent; 0 without one.",
      () => (worker.oldestSentAt === undefined ? 0 : Math.max(0, (Date.now() - worker.oldestSentAt) / 1000)),
    );
  }

  received(messages: number): void {
    this.#received.inc(messages);
  }

  handled(durationMs: number): void {
    this.#handled.inc();
    this.#seconds.observe({ outcome: "handled" }, durationMs / 1000);
  }

  failed(code: string, durationMs: number): void {
    this.#failed.inc({ code });
    this.#seconds.observe({ outcome: "failed" }, durationMs / 1000);
  }

  returned(messages: number): void {
    this.#returned.inc(messages);
  }

  deadLettered(): void {
    this.#deadLettered.inc();
  }

  deleted(): void {
    this.#deleted.inc();
  }

  callFailed(operation: string, state: string): void {
    this.#failedCalls.inc({ operation, state });
  }

  #counter(name: string, help: string): Counter {
    return new Counter({ name: `serverless_consumer_${name}`, help, registers: [this.registry] });
  }

  #gauge(name: string, help: string, read: () => number): void {
    const gauge: Gauge = new Gauge({
      name: `serverless_consumer_${name}`,
      help,
      registers: [this.registry],
      collect: () => gauge.set(read()),
    });
  }
}
