/** Somebody who wants to probe again and again. */
export interface Prober {
  /** Milliseconds from one probe to the next, when there is room for all. Asked each time. */
  intervalMs(): number;
  /** How likely it is that the next probe says ready, above 0 and up to 1: what a share of the budget is weighed by. */
  likelihood(): number;
  /** Whether a further probe may run now. */
  hasRoom(): boolean;
  /** Starts a probe. Must not throw. */
  probe(): void;
}

export interface Probing {
  /** To be called when `hasRoom` may have become true. */
  hasRoomAgain(): void;
  end(): void;
}

export interface ProbeBudgetOptions {
  /** Probes started in a second at most; no limit unless given. */
  readonly perSecond?: number;
}

interface Entry {
  readonly prober: Prober;
  startedAtMs: number;
}

/** Started in one turn at most, so that other work waits for no more than a few milliseconds. */
const burstMs = 10;
/** While the budget is used up, how often what has come in of it is given out. */
const shortOfBudgetMs = 5;
/** Timers may fire this much early. */
const timerMs = 1;
/** Before anything else: whoever has just come has waited for longest. */
const never = -1e12;

/**
 * Starts everybody's probes. Each prober is asked for at its own interval for as long as the budget suffices. When it does
 * not, the interval of each grows in the same ratio, divided by its likelihood; none is left out, and nobody else's probes
 * come before those of one that has waited longer for its share.
 */
export class ProbeBudget {
  readonly #perSecond: number;
  readonly #most: number;
  readonly #entries = new Set<Entry>();
  #left: number;
  #filledAtMs = performance.now();
  #timer: NodeJS.Timeout | undefined;

  constructor({ perSecond = Infinity }: ProbeBudgetOptions = {}) {
    this.#perSecond = perSecond;
    this.#most = Math.max(1, (perSecond * burstMs) / 1000);
    this.#left = this.#most;
  }

  /** The first probe starts before this returns, if the budget has one left. */
  add(prober: Prober): Probing {
    const entry = { prober, startedAtMs: never };
    this.#entries.add(entry);
    const nowMs = performance.now();
    this.#fill(nowMs);
    if (this.#left >= 1) this.#start(entry, nowMs);
    this.#schedule(nowMs);
    return {
      hasRoomAgain: () => this.#schedule(performance.now()),
      end: () => {
        this.#entries.delete(entry);
        if (this.#entries.size === 0) this.#stop();
      },
    };
  }

  #run(): void {
    this.#timer = undefined;
    const nowMs = performance.now();
    this.#fill(nowMs);
    const due = [...this.#entries].filter(
      (entry) => entry.prober.hasRoom() && dueAtMs(entry) <= nowMs + timerMs,
    );
    if (due.length > this.#left) {
      const waited = new Map(due.map((entry) => [entry, sharesWaited(entry, nowMs)]));
      due.sort((a, b) => (waited.get(b) ?? 0) - (waited.get(a) ?? 0));
    }
    for (const entry of due.slice(0, this.#left)) this.#start(entry, nowMs);
    this.#schedule(nowMs);
  }

  #start(entry: Entry, nowMs: number): void {
    entry.startedAtMs = nowMs;
    this.#left -= 1;
    entry.prober.probe();
  }

  #fill(nowMs: number): void {
    const filledMs = nowMs - this.#filledAtMs;
    this.#filledAtMs = nowMs;
    if (filledMs > 0) this.#left = Math.min(this.#most, this.#left + (filledMs * this.#perSecond) / 1000);
  }

  #schedule(nowMs: number): void {
    // It will come to that in at most a moment, and then see everybody's share.
    if (this.#left < 1 && this.#timer !== undefined) return;
    let nextAtMs = Infinity;
    for (const entry of this.#entries) {
      if (entry.prober.hasRoom()) nextAtMs = Math.min(nextAtMs, dueAtMs(entry));
    }
    this.#stop();
    if (nextAtMs === Infinity) return;
    const leastMs = this.#left < 1 ? shortOfBudgetMs : 1;
    this.#timer = setTimeout(() => this.#run(), Math.max(leastMs, Math.ceil(nextAtMs - nowMs)));
  }

  #stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}

function dueAtMs({ prober, startedAtMs }: Entry): number {
  return startedAtMs + prober.intervalMs();
}

/** How many of its intervals a prober has waited, weighed by its likelihood. */
function sharesWaited({ prober, startedAtMs }: Entry, nowMs: number): number {
  return ((nowMs - startedAtMs) / prober.intervalMs()) * prober.likelihood();
}
