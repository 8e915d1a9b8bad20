import type { SqsObserver, SqsOperation, Worker, WorkerObserver } from "@kong-serverless/sqs-worker";
import { Counter, Gauge, Histogram, Registry } from "prom-client";

/** What Prometheus is told about a worker; all names start with `serverless_consumer_`. */
export class ConsumerMetrics implements WorkerObserver, SqsObserver {
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
  readonly #requests = this.#counterByOperation(
    "sqs_requests_total",
    "Requests sent to SQS, retries included: what SQS charges for.",
  );
  readonly #abandonedCalls = this.#counterByOperation(
    "queue_calls_abandoned_total",
    "Calls to the queue that did not end at their deadline.",
  );
  readonly #abandonedHandlers = this.#counter(
    "handlers_abandoned_total",
    "Handlers that ignored the end of their time; their slots were given to others.",
  );
  readonly #escapedErrors = this.#counter(
    "errors_escaped_total",
    "Errors that handlers let escape into timers and promises that nobody awaits.",
  );
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
      "handlers_abandoned",
      "Handlers that have been abandoned and have not ended; /healthz fails when there are as many as CONCURRENCY.",
      () => worker.abandoned,
    );
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

  handlerAbandoned(): void {
    this.#abandonedHandlers.inc();
  }

  errorEscaped(): void {
    this.#escapedErrors.inc();
  }

  requestSent(operation: SqsOperation): void {
    this.#requests.inc({ operation });
  }

  callAbandoned(operation: SqsOperation): void {
    this.#abandonedCalls.inc({ operation });
  }

  #counterByOperation(name: string, help: string): Counter<"operation"> {
    return new Counter({
      name: `serverless_consumer_${name}`,
      help,
      labelNames: ["operation"],
      registers: [this.registry],
    });
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
