import { sleep, withDeadline } from "@kong-serverless/runtime";

import { NotReadyError } from "./not-ready-error.ts";
import type { ProbeResult } from "./probe.ts";

export interface WaitUntilReadyOptions {
  /** Asks once. Its signal aborts when the wait ends; an answer after that is not waited for. */
  readonly probe: (signal: AbortSignal) => Promise<ProbeResult>;
  /** Milliseconds from the start of one probe to the start of the next. A probe that takes longer is followed at once. */
  readonly intervalMs: number;
  /** Milliseconds after which the wait fails. */
  readonly deadlineMs: number;
  readonly signal?: AbortSignal;
  readonly onAttempt?: (result: ProbeResult, attempt: number) => void;
}

export interface ReadyAfter {
  readonly attempts: number;
  readonly waitedMs: number;
}

/**
 * Probes at a fixed interval, one probe at a time, until one says ready.
 * Fails with NOT_READY_IN_TIME at the deadline, or with the signal's reason when `signal` aborts.
 *
 * @example
 * await waitUntilReady({
 *   probe: (signal) => probe({ url, timeoutMs: 1000 }, signal),
 *   intervalMs: 20,
 *   deadlineMs: 60_000,
 * });
 */
export async function waitUntilReady(options: WaitUntilReadyOptions): Promise<ReadyAfter> {
  const { probe, intervalMs, deadlineMs, signal, onAttempt } = options;
  const startedAt = performance.now();
  let attempts = 0;
  let last: ProbeResult | undefined;
  using deadline = withDeadline(deadlineMs, () => new NotReadyError({ deadlineMs, attempts, last }), signal);
  for (;;) {
    deadline.signal.throwIfAborted();
    const nextAt = performance.now() + intervalMs;
    attempts += 1;
    last = await unlessAborted(deadline.signal, probe(deadline.signal));
    onAttempt?.(last, attempts);
    if (last.isReady) return { attempts, waitedMs: performance.now() - startedAt };
    await sleep(Math.max(0, nextAt - performance.now()), deadline.signal);
  }
}

/** Settles as `promise` does, or rejects as soon as `signal` aborts: a probe that ignores its signal delays nobody. */
function unlessAborted<T>(signal: AbortSignal, promise: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(signal.reason);
    signal.addEventListener("abort", onAbort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", onAbort));
  });
}
