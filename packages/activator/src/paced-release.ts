import type { HeldRequests } from "./held-requests.ts";
import type { InFlight } from "./in-flight.ts";
import { Upkeep } from "./upkeep.ts";

/** How often to check for requests to release when none ends meanwhile. */
const turnMs = 50;
/**
 * If no request has ended for this long, more are released: they may be WebSockets, which stay open. Long enough that requests
 * of a few seconds do not look like that.
 */
const stalledMs = 5000;

export interface PacedReleaseOptions {
  readonly held: HeldRequests;
  readonly inFlight: InFlight;
  /** How many requests the first replica takes at once; 0: any number. */
  readonly concurrency: () => number;
  /** Whether the backend accepts requests now. */
  readonly isOpen: () => boolean;
}

/**
 * Releases held requests at the pace of their backend: as many as its first replica takes, then one for each that ends.
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

  /** Whether requests wait for their turn, perhaps until a backend that was lost is back. */
  get isGoingOn(): boolean {
    return this.#turns.isGoingOn && this.#options.held.count > 0;
  }

  /** The backend has become ready. If others still wait for their turn, what was released before is in flight. */
  start(): void {
    if (!this.isGoingOn) this.#before = this.#options.inFlight.count;
    this.#movedAtMs = performance.now();
  }

  /** Releases as many as the open backend takes now; the others follow in their turn. */
  goOn(): void {
    this.#release();
    if (this.#options.held.count > 0) this.#turns.start(turnMs);
  }

  /** A request has ended: another one may be released once everything in this turn is counted. */
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
