import type { Log } from "@kong-serverless/runtime";

import { backoffMs } from "./backoff.ts";
import { EntryError } from "./batcher.ts";
import type { WorkerObserver } from "./observer.ts";

/** What a queue's answers say about it; `ok` is the only one in which it can be worked with. */
export type QueueState = "unknown" | "ok" | "missing" | "denied" | "throttled" | "unreachable" | "failing";

export type QueueOperation = "receive" | "delete" | "change visibility";

const backoff = { firstMs: 1000, maxMs: 30_000 };

/**
 * How one operation on the queue fares: the latest answer decides the state, each change of state is logged once, and the
 * delay before the next attempt grows while the failures last.
 */
export class QueueCondition {
  readonly #operation: QueueOperation;
  readonly #log: Log;
  readonly #observer: WorkerObserver;
  #state: QueueState;
  #failures = 0;
  #failedSince = 0;

  constructor(options: {
    operation: QueueOperation;
    initial: "unknown" | "ok";
    log: Log;
    observer: WorkerObserver;
  }) {
    this.#operation = options.operation;
    this.#state = options.initial;
    this.#log = options.log;
    this.#observer = options.observer;
  }

  get state(): QueueState {
    return this.#state;
  }

  /** Says in words what is wrong, for `/readyz`; undefined while nothing is. */
  get complaint(): string | undefined {
    if (this.#state === "ok") return undefined;
    if (this.#state === "unknown") return "queue: no answer yet";
    return `queue: ${this.#state} (${this.#operation})`;
  }

  succeeded(): void {
    if (this.#failures > 0) {
      const downMs = Date.now() - this.#failedSince;
      this.#log.info({ operation: this.#operation, after: this.#state, downMs }, "queue.available");
    }
    this.#state = "ok";
    this.#failures = 0;
  }

  /** Notes a failed call and returns how long to wait before the next one, in ms. */
  failed(error: unknown): number {
    const state = classify(error);
    if (this.#failures === 0) this.#failedSince = Date.now();
    if (state !== this.#state) {
      const reason = error instanceof Error ? error.message || error.name : String(error);
      this.#log.warn({ operation: this.#operation, state, reason }, "queue.unavailable");
    }
    this.#state = state;
    this.#failures += 1;
    this.#observer.callFailed?.(this.#operation, state);
    return backoffMs(this.#failures, backoff);
  }
}

interface SdkError {
  readonly name?: string;
  readonly $metadata?: { readonly httpStatusCode?: number };
  readonly $retryable?: { readonly throttling?: boolean };
}

// Names of SQS and of AWS in general:
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/CommonErrors.html
const missing = /^(QueueDoesNotExist|AWS\.SimpleQueueService\.NonExistentQueue|QueueDeletedRecently)$/;
const throttled = /Throttl|TooManyRequests|RequestLimitExceeded|SlowDown|OverLimit/i;
const denied =
  /AccessDenied|Credentials|NotAuthorized|OptInRequired|ExpiredToken|InvalidClientTokenId|UnrecognizedClient|Signature|MissingAuthentication|InvalidSecurity|KmsAccess/i;

/** Sorts a failed call by what helps against it. */
export function classify(error: unknown): Exclude<QueueState, "unknown" | "ok"> {
  // The call as a whole was answered.
  if (error instanceof EntryError) return throttled.test(error.code) ? "throttled" : "failing";
  const { name = "", $metadata, $retryable } = (error ?? {}) as SdkError;
  const status = $metadata?.httpStatusCode;
  if (missing.test(name)) return "missing";
  if ($retryable?.throttling === true || throttled.test(name) || status === 429) return "throttled";
  if (denied.test(name) || status === 401 || status === 403) return "denied";
  // Without an answer there is no status: refused, reset, unresolved, timed out.
  return status === undefined ? "unreachable" : "failing";
}
