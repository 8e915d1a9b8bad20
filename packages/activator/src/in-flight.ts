/**
 * After a restart the count starts at zero while older requests may be open. The end of one shows it: the backend is then
 * taken to be in use for this long, as others may be open that say nothing until they end.
 */
const strayGraceMs = 300_000;

/**
 * Requests that were forwarded and have not ended. Kong does not pair a request's start with its end, so the count can
 * miss either: it never falls below zero, and what saw no event for long is written off.
 */
export class InFlight {
  #count = 0;
  #lastEventMs = 0;
  #strayUntilMs = 0;

  get count(): number {
    return this.#count;
  }

  /** Whether a request is open, or may be. */
  isActive(nowMs: number): boolean {
    return this.#count > 0 || nowMs < this.#strayUntilMs;
  }

  begin(nowMs: number): void {
    this.#count += 1;
    this.#lastEventMs = nowMs;
  }

  end(nowMs: number): void {
    this.#lastEventMs = nowMs;
    if (this.#count > 0) this.#count -= 1;
    else this.#strayUntilMs = nowMs + strayGraceMs;
  }

  /** Forgets a count that saw no event for `maxSeconds` (0: never). Returns how many requests were forgotten. */
  writeOff(nowMs: number, maxSeconds: number): number {
    if (this.#count === 0 || maxSeconds === 0) return 0;
    if (nowMs - this.#lastEventMs < maxSeconds * 1000) return 0;
    const writtenOff = this.#count;
    this.#count = 0;
    return writtenOff;
  }
}
