interface Waiter {
  readonly atMost: number;
  readonly resolve: (permits: number) => void;
}

/**
 * A counting semaphore whose takers would rather have many permits at once than one now: a receive call costs the same for
 * ten messages as for one. A taker gets all it asked for once that many are free, or whatever is free `gatherMs` after the
 * first one was. Takers are served in order of arrival.
 */
export class Permits {
  readonly #gatherMs: number;
  readonly #waiting: Waiter[] = [];
  #free: number;
  #gathering: NodeJS.Timeout | undefined;

  constructor(size: number, { gatherMs }: { gatherMs: number }) {
    this.#free = size;
    this.#gatherMs = gatherMs;
  }

  /** Resolves with 1 to `atMost` permits, with fewer than asked for only after gathering. Rejects when `signal` aborts. */
  take(atMost: number, signal: AbortSignal): Promise<number> {
    if (signal.aborted) return Promise.reject(signal.reason);
    if (this.#waiting.length === 0 && this.#free >= atMost) {
      this.#free -= atMost;
      return Promise.resolve(atMost);
    }
    return new Promise((resolve, reject) => {
      const waiter: Waiter = {
        atMost,
        resolve: (permits) => {
          signal.removeEventListener("abort", onAbort);
          resolve(permits);
        },
      };
      const onAbort = () => {
        this.#remove(waiter);
        reject(signal.reason);
      };
      signal.addEventListener("abort", onAbort, { once: true });
      this.#waiting.push(waiter);
      this.#serve();
    });
  }

  release(permits: number): void {
    this.#free += permits;
    this.#serve();
  }

  #serve(): void {
    for (let head = this.#waiting[0]; head !== undefined; head = this.#waiting[0]) {
      if (this.#free < head.atMost) {
        if (this.#free > 0) this.#gathering ??= setTimeout(() => this.#endGathering(), this.#gatherMs);
        return;
      }
      this.#grant(head);
    }
  }

  #endGathering(): void {
    const head = this.#waiting[0];
    if (head !== undefined) this.#grant(head);
    this.#serve();
  }

  #grant(head: Waiter): void {
    const permits = Math.min(head.atMost, this.#free);
    this.#free -= permits;
    this.#remove(head);
    head.resolve(permits);
  }

  #remove(waiter: Waiter): void {
    if (this.#waiting[0] === waiter) {
      clearTimeout(this.#gathering);
      this.#gathering = undefined;
    }
    this.#waiting.splice(this.#waiting.indexOf(waiter), 1);
    // The next taker may start to gather.
    queueMicrotask(() => this.#serve());
  }
}
