const remembered = 20;
const unknownMs = 5000;
/** Nothing is known of a backend's first start: it may come at once. */
const unknownWindow = { fromMs: 0, toMs: 1000 };
/** Starts are taken to be up to a quarter faster or slower than any of the recent ones. */
const margin = 0.25;
const likelihoodBefore = 0.1;
const leastLikelihood = 0.05;

/** How long a backend's recent starts took: the basis of an honest `Retry-After`, and of when to ask it most often. */
export class StartUpTimes {
  readonly #recentMs: number[] = [];
  #window = unknownWindow;

  add(durationMs: number): void {
    this.#recentMs.push(durationMs);
    if (this.#recentMs.length > remembered) this.#recentMs.shift();
    this.#window = {
      fromMs: Math.min(...this.#recentMs) * (1 - margin),
      toMs: Math.max(...this.#recentMs) * (1 + margin),
    };
  }

  /**
   * How likely it is, from 0.05 to 1, that a start which has gone on for `elapsedMs` is about to end: 1 when recent ones did,
   * little before. It falls the longer a start takes beyond them, since the delay that goes unnoticed grows with it.
   */
  likelihood(elapsedMs: number): number {
    const { fromMs, toMs } = this.#window;
    if (elapsedMs < fromMs) return likelihoodBefore;
    return elapsedMs <= toMs ? 1 : Math.max(leastLikelihood, toMs / elapsedMs);
  }

  /**
   * Milliseconds until a start that has gone on for `elapsedMs` can be expected to end: four of five recent ones had by
   * then. One that takes longer is given as long again.
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
