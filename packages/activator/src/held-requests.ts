import { ServerlessError } from "@kong-serverless/runtime";

import type { TimerWheel } from "./timer-wheel.ts";

/** Requests held in the whole process, for the limit on all backends together. */
export interface HeldTotal {
  count: number;
}

export interface HoldLimits {
  readonly maxHeldPerBackend: number;
  readonly maxHeldTotal: number;
}

/** The requests held for one backend. Each leaves once: when it is released, at its deadline, or with its client. */
export class HeldRequests {
  readonly #backend: string;
  readonly #wheel: TimerWheel;
  readonly #total: HeldTotal;
  readonly #releases = new Set<() => void>();

  constructor(backend: string, wheel: TimerWheel, total: HeldTotal) {
    this.#backend = backend;
    this.#wheel = wheel;
    this.#total = total;
  }

  get count(): number {
    return this.#releases.size;
  }

  /**
   * Throws HELD_LIMIT_REACHED if no further request may be held. No backend may hold more than are still free in total: a
   * single one gets half of the total, two a third each, and however many are flooded, there is room for another.
   */
  assertRoom({ maxHeldPerBackend, maxHeldTotal }: HoldLimits): void {
    const free = maxHeldTotal - this.#total.count;
    if (this.count < maxHeldPerBackend && this.count < free) return;
    const message =
      this.count >= maxHeldPerBackend
        ? `${this.count} requests are held for ${this.#backend} already; at most ${maxHeldPerBackend} are allowed`
        : `${this.count} requests are held for ${this.#backend} already, and ${this.#total.count} in total; ${maxHeldTotal} are shared fairly`;
    throw new ServerlessError("HELD_LIMIT_REACHED", message, { backend: this.#backend });
  }

  /**
   * Resolves when released. Rejects with `timeout()` at `deadlineMs`, or when the client leaves with the reason of `signal`,
   * which must not have aborted yet.
   */
  hold(deadlineMs: number, timeout: () => ServerlessError, signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const leave = () => {
        this.#releases.delete(release);
        this.#total.count -= 1;
        timer.cancel();
        signal?.removeEventListener("abort", onAbort);
      };
      const release = () => {
        leave();
        resolve();
      };
      const onAbort = () => {
        leave();
        reject(signal?.reason);
      };
      const timer = this.#wheel.schedule(deadlineMs, () => {
        leave();
        reject(timeout());
      });
      signal?.addEventListener("abort", onAbort, { once: true });
      this.#releases.add(release);
      this.#total.count += 1;
    });
  }

  /** Releases up to `count` requests, in the order of their arrival. */
  release(count: number): void {
    let left = count;
    for (const release of this.#releases) {
      if (left <= 0) return;
      left -= 1;
      release();
    }
  }
}
