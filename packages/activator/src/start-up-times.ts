const remembered = 20;
const unknownMs = 5000;

/** How long a backend's recent starts took: the basis of an honest `Retry-After`. */
export class StartUpTimes {
  readonly #recentMs: number[] = [];

  add(durationMs: number): void {
    this.#recentMs.push(durationMs);
    if (this.#recentMs.length > remembered) this.#recentMs.shift();
  }

  /**
   * Milliseconds until a start that has gone on for `elapsedMs` can be expected to end: four of five recent ones had by
   * then. One that takes longer than those tells nothing new and is given as long again.
   */
  remainingMs(elapsedMs: number): number {
    const expectedMs = this.#expectedMs();
    return elapsedMs < expectedMs ? expectedMs - elapsedMs : expectedMs;
  }

  #expectedMs(): number {
    const sorted = this.#recentMs.toSorted((a, b) => a - b);
    return sorted[Math.ceil(sorted.length * 0.8) - 1] ?? unknownMs;
  }
}
