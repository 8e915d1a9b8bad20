export interface Backoff {
  readonly firstMs: number;
  readonly maxMs: number;
}

/** Doubles from `firstMs` at attempt 1 to `maxMs`; the second half of each delay is random, so that many do not retry in step. */
export function backoffMs(attempt: number, { firstMs, maxMs }: Backoff): number {
  const fullMs = Math.min(maxMs, firstMs * 2 ** Math.min(attempt - 1, 30));
  return (fullMs / 2) * (1 + Math.random());
}
