/** After so long with all that were let go still open, further ones follow: those may be WebSockets, which do not end. */
const stalledMs = 1000;

/**
 * How many held requests may go on at a moment: so many as the first replica takes, and then one for each that ends. What
 * was in flight before they were held does not count against them.
 */
export class ReleasePace {
  #before = 0;
  #extra = 0;
  #movedAtMs = 0;

  /** The backend has become ready, with so many requests in flight. */
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
