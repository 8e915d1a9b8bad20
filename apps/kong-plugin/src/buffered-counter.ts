/**
 * Counts by adding to a number. A counter of prom-client looks its series up each time, which takes a warm request more time
 * than everything else that the plugin does for it; so what is tallied reaches the counter when somebody asks for metrics.
 */
export class BufferedCounter {
  #count = 0;

  inc(count = 1): void {
    this.#count += count;
  }

  /** What was counted since the last time that this was asked. */
  take(): number {
    const count = this.#count;
    this.#count = 0;
    return count;
  }
}
