/** Whether this replica wants requests: from the end of its start-up time until it is told to stop. */
export class Readiness {
  readonly #readyAt: number;
  #isStopping = false;

  constructor(startupDelayMs: number) {
    this.#readyAt = performance.now() + startupDelayMs;
  }

  /** What keeps it from being ready; empty when it is. */
  waitingFor(): string[] {
    if (this.#isStopping) return ["shutdown"];
    const leftMs = Math.ceil(this.#readyAt - performance.now());
    return leftMs > 0 ? [`start-up, ${leftMs} ms more`] : [];
  }

  /** Readiness never comes back after this. */
  stop(): void {
    this.#isStopping = true;
  }
}
