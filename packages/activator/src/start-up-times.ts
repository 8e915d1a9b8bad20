const remembered = 20;
const unknownMs = 5000;
/** A backend's first start may take any time. */
const unknownWindow = { fromMs: 0, toMs: 1000 };
/** A start may be up to a quarter faster or slower than the recent ones. */
const margin = 0.25;
const likelihoodBefore = 0.1;
const leastLikelihood = 0.05;

/** How long a backend's recent starts took: the basis of `Retry-After`, and of when to probe most often. */
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
   * How likely it is, from 0.05 to 1, that a start that has taken `elapsedMs` is about to end: 1 while recent ones did, little
   * before. Beyond that it falls, since the longer a start takes the less one more delay matters.
   */
  likelihood(elapsedMs: number): number {
    const { fromMs, toMs } = this.#window;
    if (elapsedMs < fromMs) return likelihoodBefore;
    return elapsedMs <= toMs ? 1 : Math.max(leastLikelihood, toMs / elapsedMs);
  }

  /**
   * Milliseconds until a start that has taken `elapsedMs` should end: four of five recent ones had by then. One that takes
   * longer gets the same time again.
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
