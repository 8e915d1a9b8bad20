import { NotReadyError } from "./not-ready-error.ts";
import { ProbeBudget, type Prober, type Probing } from "./probe-budget.ts";
import type { ProbeResult } from "./probe.ts";

export interface WaitUntilReadyOptions {
  /** Probes once. The signal aborts when the wait ends; a later answer is ignored. */
  readonly probe: (signal: AbortSignal) => Promise<ProbeResult>;
  /**
   * Milliseconds between the starts of two probes, whether or not the first has been answered by then; at most four are in
   * progress. A function is called as each probe starts.
   */
  readonly intervalMs: number | (() => number);
  /** Milliseconds from the start after which the wait fails. A function is called again at that time, and may extend it. */
  readonly deadlineMs: number | (() => number);
  readonly signal?: AbortSignal;
  readonly onAttempt?: (result: ProbeResult, attempt: number) => void;
  /** Shared with other waits. Default: no limit. */
  readonly budget?: ProbeBudget;
  /** The weight of this wait's share of the budget: see Prober. */
  readonly likelihood?: (nowMs: number) => number;
}

export interface ReadyAfter {
  /** Number of the probe that was ready, in the order of their starts. */
  readonly attempts: number;
  readonly waitedMs: number;
}

/** With a connect limit of 100 ms and an interval of 20, a probe starts every 40 ms at worst while all SYNs are lost. */
const maxInProgress = 4;

/**
 * Probes at an interval until a probe is ready.
 * Fails with NOT_READY_IN_TIME at the deadline, or with the signal's reason when `signal` aborts.
 *
 * @example
 * await waitUntilReady({
 *   probe: (signal) => probe({ url, timeoutMs: 1000 }, signal),
 *   intervalMs: 20,
 *   deadlineMs: 60_000,
 * });
 */
export function waitUntilReady(options: WaitUntilReadyOptions): Promise<ReadyAfter> {
  return options.signal?.aborted ? Promise.reject(options.signal.reason) : new Wait(options).start();
}

class Wait implements Prober {
  readonly #options: WaitUntilReadyOptions;
  readonly #startedAtMs = performance.now();
  readonly #outcome = Promise.withResolvers<ReadyAfter>();
  readonly #ended = new AbortController();
  #probing: Probing | undefined;
  #deadline: NodeJS.Timeout | undefined;
  #attempts = 0;
  #inProgress = 0;
  #last: ProbeResult | undefined;

  constructor(options: WaitUntilReadyOptions) {
    this.#options = options;
  }

  start(): Promise<ReadyAfter> {
    const { signal, budget = new ProbeBudget() } = this.#options;
    signal?.addEventListener("abort", this.#onAbort, { once: true });
    this.#watchDeadline();
    this.#probing = budget.add(this);
    return this.#outcome.promise;
  }

  intervalMs(): number {
    return valueOf(this.#options.intervalMs);
  }

  likelihood(nowMs: number): number {
    return this.#options.likelihood?.(nowMs) ?? 1;
  }

  hasRoom(): boolean {
    return this.#inProgress < maxInProgress;
  }

  probe(): void {
    this.#inProgress += 1;
    this.#attempts += 1;
    const attempt = this.#attempts;
    this.#options.probe(this.#ended.signal).then(
      (result) => this.#answered(result, attempt),
      (error: unknown) => this.#fail(error),
    );
  }

  #answered(result: ProbeResult, attempt: number): void {
    if (this.#ended.signal.aborted) return;
    const wasFull = !this.hasRoom();
    this.#inProgress -= 1;
    this.#last = result;
    this.#options.onAttempt?.(result, attempt);
    if (result.isReady) {
      this.#end();
      this.#outcome.resolve({ attempts: attempt, waitedMs: this.#elapsedMs });
    } else if (wasFull) {
      this.#probing?.hasRoomAgain();
    }
  }

  #watchDeadline(): void {
    const deadlineMs = valueOf(this.#options.deadlineMs);
    const leftMs = deadlineMs - this.#elapsedMs;
    if (leftMs > 0) this.#deadline = setTimeout(() => this.#watchDeadline(), Math.ceil(leftMs));
    else this.#fail(new NotReadyError({ deadlineMs, attempts: this.#attempts, last: this.#last }));
  }

  get #elapsedMs(): number {
    return performance.now() - this.#startedAtMs;
  }

  readonly #onAbort = () => this.#fail(this.#options.signal?.reason);

  #fail(reason: unknown): void {
    this.#end();
    this.#outcome.reject(reason);
  }

  #end(): void {
    clearTimeout(this.#deadline);
    this.#options.signal?.removeEventListener("abort", this.#onAbort);
    this.#probing?.end();
    this.#ended.abort();
  }
}

function valueOf(value: number | (() => number)): number {
  return typeof value === "number" ? value : value();
}
