/** Whether this replica accepts requests: from the end of its start-up time until it is told to stop. */
export class ReplicaReadiness {
  readonly #readyAt: number;
  #isStopping = false;

  constructor(startupDelayMs: number) {
    this.#readyAt = performance.now() + startupDelayMs;
  }

  /** What it is still waiting for; empty when it is ready. */
  waitingFor(): string[] {
    if (this.#isStopping) return ["shutdown"];
    const leftMs = Math.ceil(this.#readyAt - performance.now());
    return leftMs > 0 ? [`start-up, ${leftMs} ms left`] : [];
  }

  /** It is never ready again after this. */
  stop(): void {
    this.#isStopping = true;
  }
}
