/**
 * If none has ended after this long, more are released: they may be WebSockets, which stay open. Requests that only take a
 * few seconds should not look like that.
 */
const stalledMs = 5000;

/**
 * How many held requests may be released now: as many as the first replica takes, then one for each that ends. Requests
 * that were already in flight do not count.
 */
export class ReleasePace {
  #before = 0;
  #extra = 0;
  #movedAtMs = 0;

  /** The backend has become ready, with this many requests in flight. */
  start(nowMs: number, inFlight: number): void {
    this.#before = inFlight;
    this.#extra = 0;
    this.#movedAtMs = nowMs;
  }

  /** @param concurrency 0: as many as there are. */
  room(nowMs: number, inFlight: number, concurrency: number): number {
    if (concurrency === 0) return Infinity;
    this.#before = Math.min(this.#before, inFlight);
    if (nowMs - this.#movedAtMs >= stalledMs) {
      this.#extra += concurrency;
      this.#movedAtMs = nowMs;
    }
    const room = this.#before + concurrency + this.#extra - inFlight;
    if (room <= 0) return 0;
    this.#movedAtMs = nowMs;
    return room;
  }
}
