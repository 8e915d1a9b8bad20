/** Something that probes repeatedly. */
export interface Prober {
  /** Milliseconds between probes while the budget suffices. Read as each probe starts. */
  intervalMs(): number;
  /** Likelihood that a probe started now is ready, above 0 and at most 1: the weight of this prober's share. */
  likelihood(nowMs: number): number;
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
  /** As it was when the latest probe started. */
  intervalMs: number;
  startedAtMs: number;
  /** How many of its intervals it has waited, weighted by its likelihood. */
  shares: number;
}

/** One turn starts at most this much of the budget, so that other work waits a few milliseconds at most. */
const burstMs = 10;
/** How often to look for new budget while it is used up. */
const shortOfBudgetMs = 10;
/** Timers may fire this much early. */
const timerMs = 1;
/** A new prober goes first. */
const never = -1e12;

/**
 * Starts all probes. While the budget suffices, each prober probes at its own interval. When it does not, all intervals grow
 * in the same ratio, divided by the prober's likelihood: none starves, and the one that has waited longest for its share is
 * next.
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
    const entry = { prober, intervalMs: prober.intervalMs(), startedAtMs: never, shares: 0 };
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
    const longest = new Longest(Math.floor(this.#left));
    for (const entry of this.#entries)
      if (dueAtMs(entry) <= nowMs + timerMs && entry.prober.hasRoom()) longest.add(entry, nowMs);
    for (const entry of longest.entries) this.#start(entry, nowMs);
    if (longest.isFull) this.#runIn(shortOfBudgetMs);
    else this.#schedule(nowMs);
  }

  #start(entry: Entry, nowMs: number): void {
    entry.intervalMs = entry.prober.intervalMs();
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
    // The pending run will go through all of them.
    if (this.#left < 1 && this.#timer !== undefined) return;
    let nextAtMs = Infinity;
    for (const entry of this.#entries)
      if (entry.prober.hasRoom()) nextAtMs = Math.min(nextAtMs, dueAtMs(entry));
    const leastMs = this.#left < 1 ? shortOfBudgetMs : 1;
    if (nextAtMs === Infinity) this.#stop();
    else this.#runIn(Math.max(leastMs, Math.ceil(nextAtMs - nowMs)));
  }

  #runIn(ms: number): void {
    this.#stop();
    this.#timer = setTimeout(() => this.#run(), ms);
  }

  #stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}

/** The entries that have waited longest for their share: so few that a linear search for a place is cheap. */
class Longest {
  readonly #most: number;
  readonly entries: Entry[] = [];
  /** Whether there were more. */
  isFull = false;

  constructor(most: number) {
    this.#most = most;
  }

  add(entry: Entry, nowMs: number): void {
    const { entries } = this;
    const shares = sharesWaited(entry, nowMs);
    if (entries.length === this.#most) {
      this.isFull = true;
      if (shares <= (entries.at(-1)?.shares ?? Infinity)) return;
      entries.pop();
    }
    entry.shares = shares;
    const place = entries.findIndex((other) => other.shares < shares);
    entries.splice(place === -1 ? entries.length : place, 0, entry);
  }
}

function dueAtMs({ startedAtMs, intervalMs }: Entry): number {
  return startedAtMs + intervalMs;
}

function sharesWaited({ prober, startedAtMs, intervalMs }: Entry, nowMs: number): number {
  return ((nowMs - startedAtMs) / intervalMs) * prober.likelihood(nowMs);
}
