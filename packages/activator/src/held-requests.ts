import { ServerlessError } from "@kong-serverless/runtime";

import type { TimerWheel } from "./timer-wheel.ts";

/** Requests held in the whole process: what the cap on all backends together counts. */
export interface HeldTotal {
  count: number;
}

export interface HoldLimits {
  readonly maxHeldPerBackend: number;
  readonly maxHeldTotal: number;
}

/** The requests held for one backend. Each leaves once: released, at its own deadline, or with its client. */
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
   * Throws HELD_LIMIT_REACHED when no further request may be held. A backend may have as many as are free in all: alone it
   * gets half of the total, with another a third each, and however many are flooded, one more finds room.
   */
  assertRoom({ maxHeldPerBackend, maxHeldTotal }: HoldLimits): void {
    const free = maxHeldTotal - this.#total.count;
    if (this.count < maxHeldPerBackend && this.count < free) return;
    const message =
      this.count >= maxHeldPerBackend
        ? `${this.count} requests are held for ${this.#backend} already; at most ${maxHeldPerBackend} are`
        : `${this.count} requests are held for ${this.#backend} already, of ${this.#total.count} in all; ${maxHeldTotal} are shared fairly`;
    throw new ServerlessError("HELD_LIMIT_REACHED", message, { backend: this.#backend });
  }

  /**
   * Resolves when released. Rejects with what `timeout` says at `deadlineMs`, or with the reason of `signal`, which has not
   * aborted yet, when the client leaves.
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

  /** Lets as many held requests go on, those first that came first. */
  release(count: number): void {
    let left = count;
    for (const release of this.#releases) {
      if (left <= 0) return;
      left -= 1;
      release();
    }
  }
}
