import type { HeldRequests } from "./held-requests.ts";
import type { InFlight } from "./in-flight.ts";
import { Upkeep } from "./upkeep.ts";

/** How often to check for requests to release when none ends meanwhile. */
const turnMs = 50;
/**
 * If none has ended after this long, more are released: they may be WebSockets, which stay open. Requests that only take a
 * few seconds should not look like that.
 */
const stalledMs = 5000;

export interface PacedReleaseOptions {
  readonly held: HeldRequests;
  readonly inFlight: InFlight;
  /** As many requests as the first replica takes at once; 0: any number. */
  readonly concurrency: () => number;
  /** Whether the backend takes requests at the moment. */
  readonly isOpen: () => boolean;
}

/**
 * Lets held requests go on at the pace of their backend: as many as its first replica takes, then one for each that ends.
 * Requests that were already in flight do not count.
 */
export class PacedRelease {
  readonly #options: PacedReleaseOptions;
  readonly #turns = new Upkeep(() => this.#turn());
  #before = 0;
  #movedAtMs = 0;
  #isSoon = false;

  constructor(options: PacedReleaseOptions) {
    this.#options = options;
  }

  /** Whether requests wait for their turn, which may not come before a backend that was lost is back. */
  get isGoingOn(): boolean {
    return this.#turns.isGoingOn && this.#options.held.count > 0;
  }

  /** The backend has become ready. What was released to it before is still in flight if others wait for their turn. */
  start(): void {
    if (!this.isGoingOn) this.#before = this.#options.inFlight.count;
    this.#movedAtMs = performance.now();
  }

  /** Lets as many go on as the backend, which is open, takes now; the others follow in their turn. */
  goOn(): void {
    this.#release();
    if (this.#options.held.count > 0) this.#turns.start(turnMs);
  }

  /** A request has ended: once everything of this turn is counted, another one may go on. */
  goOnSoon(): void {
    if (this.#options.held.count === 0 || this.#isSoon) return;
    this.#isSoon = true;
    setImmediate(() => {
      this.#isSoon = false;
      this.#turn();
    });
  }

  #turn(): boolean {
    const { held, isOpen } = this.#options;
    if (held.count > 0 && isOpen()) this.#release();
    return held.count > 0;
  }

  #release(): void {
    const { held, inFlight, concurrency } = this.#options;
    held.release(concurrency() === 0 ? Infinity : this.#room(inFlight.count, concurrency()));
  }

  #room(inFlight: number, concurrency: number): number {
    const nowMs = performance.now();
    const isStalled = nowMs - this.#movedAtMs >= stalledMs;
    this.#before = isStalled ? inFlight : Math.min(this.#before, inFlight);
    const room = Math.max(0, this.#before + concurrency - inFlight);
    if (room > 0) this.#movedAtMs = nowMs;
    return room;
  }
}
