import { sleep } from "@kong-serverless/runtime";

export interface StopOptions {
  /** The longest that stopping may take, in ms. What still runs then is answered 503. */
  readonly graceMs: number;
  /** How long, in ms, nothing may have run for the server to count as idle. */
  readonly idleMs: number;
}

/**
 * Resolves when nothing has run for `idleMs`, at the latest after `graceMs`.
 *
 * @param usedAtMs When something last ran, on the clock of `performance.now()`; the present while something runs.
 */
export async function untilIdle({ graceMs, idleMs }: StopOptions, usedAtMs: () => number): Promise<void> {
  const startedAtMs = performance.now();
  for (;;) {
    const nowMs = performance.now();
    const quietMs = Math.max(0, nowMs - Math.max(startedAtMs, usedAtMs()));
    const leftMs = graceMs - (nowMs - startedAtMs);
    if (quietMs >= idleMs || leftMs <= 0) return;
    await sleep(Math.min(idleMs - quietMs, leftMs));
  }
}
