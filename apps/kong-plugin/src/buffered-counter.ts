/**
 * A number that is added to a prom-client counter at each scrape. prom-client looks up its series at each increment, which
 * would take longer than everything else that the plugin does for a warm request.
 */
export class BufferedCounter {
  #count = 0;

  inc(count = 1): void {
    this.#count += count;
  }

  /** Returns what was counted since the last call. */
  take(): number {
    const count = this.#count;
    this.#count = 0;
    return count;
  }
}
