import { backoffMs, type Log } from "@kong-serverless/runtime";

import { EntryError } from "./batcher.ts";
import { QueueAnswerError, QueueCredentialsError, QueueTimeoutError } from "./errors.ts";
import type { WorkerObserver } from "./message.ts";
import { cut, reasonOf } from "./reason.ts";

/**
 * A queue's state, judged by its answers; only in `ok` is it usable. `unauthenticated`: there are no credentials to call it with.
 * `internal`: the call was never made, because of a fault on this side.
 */
export type QueueState =
  | "unknown"
  | "ok"
  | "missing"
  | "denied"
  | "unauthenticated"
  | "throttled"
  | "unreachable"
  | "failing"
  | "internal";

export type QueueOperation = "receive" | "delete" | "change visibility";

/** Short enough that a worker is back within 15 s of the queue, including an attempt that is in progress. */
const backoff = { firstMs: 1000, maxMs: 8000 };
const maxReasonLength = 1024;
/** An operation that is needed is retried much sooner, so a failure this old belongs to one that nothing has needed since. */
const forgottenAfterMs = 60_000;

/**
 * How one operation on the queue is doing: the latest answer decides the state, each change of state is logged once, and the
 * delay before the next attempt grows while failures last.
 */
export class QueueCondition {
  readonly #operation: QueueOperation;
  readonly #log: Log;
  readonly #observer: WorkerObserver;
  #state: QueueState;
  #reason = "";
  #failures = 0;
  /** On the monotonic clock. */
  #failedSince = 0;
  #failedAt = 0;

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

  /** What is wrong, in words, for `/readyz`; undefined when nothing is. */
  get complaint(): string | undefined {
    if (this.#state === "ok") return undefined;
    if (this.#state === "unknown") return "queue: no answer yet";
    if (performance.now() - this.#failedAt > forgottenAfterMs) return undefined;
    const complaint = `queue: ${this.#state} (${this.#operation})`;
    return this.#state === "internal" ? `${complaint}: ${this.#reason}` : complaint;
  }

  succeeded(): void {
    if (this.#failures > 0) {
      const downMs = Math.round(performance.now() - this.#failedSince);
      this.#log.info({ operation: this.#operation, after: this.#state, downMs }, "queue.available");
    }
    this.#state = "ok";
    this.#failures = 0;
  }

  /** Notes a failed call and returns how long to wait before the next one, in ms. */
  failed(error: unknown): number {
    const state = classify(error);
    this.#failedAt = performance.now();
    if (this.#failures === 0) this.#failedSince = this.#failedAt;
    this.#reason = cut(reasonWithCause(error), maxReasonLength);
    if (state !== this.#state) {
      const level = state === "internal" ? "error" : "warn";
      this.#log[level]({ operation: this.#operation, state, reason: this.#reason }, "queue.unavailable");
    }
    this.#state = state;
    this.#failures += 1;
    this.#observer.callFailed?.(this.#operation, state);
    // A fault on this side does not go away on its own: retrying often does not help.
    return state === "internal" ? backoff.maxMs : backoffMs(this.#failures, backoff);
  }
}

interface SdkError {
  readonly name?: unknown;
  readonly code?: unknown;
  readonly cause?: unknown;
  readonly $metadata?: { readonly httpStatusCode?: number };
  readonly $retryable?: { readonly throttling?: boolean };
}

// Error names of SQS and of AWS in general:
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/CommonErrors.html
const missing = /^(QueueDoesNotExist|AWS\.SimpleQueueService\.NonExistentQueue|QueueDeletedRecently)$/;
const throttled = /Throttl|TooManyRequests|RequestLimitExceeded|SlowDown|OverLimit/i;
const denied =
  /AccessDenied|NotAuthorized|OptInRequired|ExpiredToken|InvalidClientTokenId|UnrecognizedClient|Signature|MissingAuthentication|InvalidSecurity|KmsAccess|TimeTooSkewed|RequestExpired/i;
const unauthenticated = /^(CredentialsProviderError|TokenProviderError|ProviderError)$/;

/** Codes from Node's networking and TLS: https://nodejs.org/api/errors.html#common-system-errors */
const network =
  /^(E(CONN\w+|PIPE|NOTFOUND|AI_\w+|TIMEDOUT|HOST\w+|NET\w+|ADDRNOTAVAIL|PROTO)|UND_ERR_(SOCKET|CONNECT_TIMEOUT|HEADERS_TIMEOUT|BODY_TIMEOUT)|HPE_\w+|ERR_(TLS|SSL|PROXY)_\w+|CERT_\w+|DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_\w+|ERR_STREAM_PREMATURE_CLOSE)$/;
const timeout = /^(TimeoutError|RequestTimeout|RequestTimeoutException|NetworkingError)$/;

/** Classifies a failed call by what would fix it. Never throws. */
export function classify(error: unknown): Exclude<QueueState, "unknown" | "ok"> {
  // The call as a whole got an answer.
  if (error instanceof EntryError) return throttled.test(error.code) ? "throttled" : "failing";
  if (error instanceof QueueCredentialsError) return "unauthenticated";
  if (error instanceof QueueTimeoutError) return "unreachable";
  if (error instanceof QueueAnswerError) return "failing";
  const { name = "", $metadata, $retryable } = (error ?? {}) as SdkError;
  const status = $metadata?.httpStatusCode;
  const text = typeof name === "string" ? name : "";
  if (missing.test(text)) return "missing";
  if ($retryable?.throttling === true || throttled.test(text) || status === 429) return "throttled";
  if (unauthenticated.test(text)) return "unauthenticated";
  if (denied.test(text) || status === 401 || status === 403) return "denied";
  if (status !== undefined) return "failing";
  return isNetworkFault(error) ? "unreachable" : "internal";
}

function isNetworkFault(error: unknown, depth = 0): boolean {
  if (typeof error !== "object" || error === null || depth > 5) return false;
  const { name, code, cause } = error as SdkError;
  if (typeof code === "string" && network.test(code)) return true;
  if (typeof name === "string" && (timeout.test(name) || network.test(name))) return true;
  return isNetworkFault(cause, depth + 1);
}

/** fetch and the SDK hide connection errors in the cause. */
function reasonWithCause(error: unknown): string {
  const { cause } = (error ?? {}) as SdkError;
  const reason = reasonOf(error);
  const deeper = cause === undefined ? "" : reasonOf(cause);
  return deeper === "" || reason.includes(deeper) ? reason : `${reason} (${deeper})`;
}
