import { JobQueue } from "@kong-serverless/runtime";

/** A pending call of a TimerWheel. */
export interface WheelTimer {
  cancel(): void;
}

/**
 * Many deadlines on one timer. A call is made at its time or up to one tick later, never earlier, and costs a set entry
 * instead of a timer. Thousands that are due together take turns with other work. Without pending calls nothing ticks.
 */
export class TimerWheel {
  readonly #tickMs: number;
  readonly #slots = new Map<number, Set<() => void>>();
  readonly #due = new JobQueue({ turnsBetween: 1 });
  #pending = 0;
  #lastSlot = 0;
  #interval: NodeJS.Timeout | undefined;

  constructor(tickMs = 10) {
    this.#tickMs = tickMs;
  }

  /** Calls `call` at `atMs` on the clock of `performance.now()`. */
  schedule(atMs: number, call: () => void): WheelTimer {
    this.#start();
    const slot = Math.max(Math.ceil(atMs / this.#tickMs), this.#lastSlot + 1);
    const calls = this.#slots.get(slot) ?? new Set();
    this.#slots.set(slot, calls.add(call));
    this.#pending += 1;
    return {
      cancel: () => {
        if (calls.delete(call)) this.#settle(1);
      },
    };
  }

  #start(): void {
    if (this.#interval !== undefined) return;
    this.#lastSlot = Math.floor(performance.now() / this.#tickMs);
    this.#interval = setInterval(() => this.#tick(), this.#tickMs);
  }

  #tick(): void {
    const dueSlot = Math.floor(performance.now() / this.#tickMs);
    while (this.#lastSlot < dueSlot) {
      this.#lastSlot += 1;
      const calls = this.#slots.get(this.#lastSlot);
      if (calls === undefined) continue;
      this.#slots.delete(this.#lastSlot);
      // A call may cancel another one of its slot: removing each first keeps the count of pending calls right.
      for (const call of calls) {
        this.#due.add(() => {
          if (!calls.delete(call)) return;
          call();
          this.#settle(1);
        });
      }
    }
  }

  #settle(count: number): void {
    this.#pending -= count;
    if (this.#pending > 0) return;
    clearInterval(this.#interval);
    this.#interval = undefined;
    this.#slots.clear();
  }
}
