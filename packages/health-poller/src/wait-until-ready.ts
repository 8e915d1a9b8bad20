import { NotReadyError } from "./not-ready-error.ts";
import { ProbeBudget, type Prober, type Probing } from "./probe-budget.ts";
import type { ProbeResult } from "./probe.ts";

export interface WaitUntilReadyOptions {
  /** Asks once. Its signal aborts when the wait ends; an answer after that is not waited for. */
  readonly probe: (signal: AbortSignal) => Promise<ProbeResult>;
  /**
   * Milliseconds from the start of one probe to the start of the next, whether or not it has an answer by then; four are
   * under way at most. A function is asked as each probe starts.
   */
  readonly intervalMs: number | (() => number);
  /** Milliseconds from the start after which the wait fails. A function may put it off: it is asked again at the time. */
  readonly deadlineMs: number | (() => number);
  readonly signal?: AbortSignal;
  readonly onAttempt?: (result: ProbeResult, attempt: number) => void;
  /** Shared with other waits; none unless given. */
  readonly budget?: ProbeBudget;
  /** What this wait's share of the budget is weighed by: see Prober. */
  readonly likelihood?: () => number;
}

export interface ReadyAfter {
  /** Which of the probes, in the order of their starts, said ready. */
  readonly attempts: number;
  readonly waitedMs: number;
}

/** With a connect limit of 100 ms and an interval of 20, a probe starts every 40 ms at worst while all SYNs are lost. */
const mostUnderWay = 4;

/**
 * Probes at an interval until a probe says ready; the first one that does wins.
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
  #underWay = 0;
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

  likelihood(): number {
    return this.#options.likelihood?.() ?? 1;
  }

  hasRoom(): boolean {
    return this.#underWay < mostUnderWay;
  }

  probe(): void {
    this.#underWay += 1;
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
    this.#underWay -= 1;
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
