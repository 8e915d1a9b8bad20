/** Further off than this, a signature is close to being refused: AWS allows five minutes. */
const maxSkewMs = 60_000;

/**
 * The queue service's time, by the monotonic clock and the dates of its answers: a wall clock that is set, or was wrong all
 * along, makes no signature invalid.
 */
export class ServerClock {
  #offsetMs = performance.timeOrigin;

  /** Epoch ms. */
  get nowMs(): number {
    return this.#offsetMs + performance.now();
  }

  /** Learns from an answer's `date` header. Returns whether the clock was off and has been corrected. */
  observe(date: string | undefined): boolean {
    if (date === undefined) return false;
    const serverMs = Date.parse(date);
    if (Number.isNaN(serverMs) || Math.abs(serverMs - this.nowMs) < maxSkewMs) return false;
    this.#offsetMs = serverMs - performance.now();
    return true;
  }
}
