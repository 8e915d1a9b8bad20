/**
 * Repeats background work while there is any: the first time as soon as it is started, then at an interval. It keeps no
 * process alive.
 */
export class Upkeep {
  readonly #work: () => boolean;
  #timer: NodeJS.Timeout | undefined;

  /** @param work Returns whether it is to be repeated. */
  constructor(work: () => boolean) {
    this.#work = work;
  }

  get isGoingOn(): boolean {
    return this.#timer !== undefined;
  }

  /** Starts the work unless it is going on. The work itself runs later, never on the caller's path. */
  start(intervalMs: number): void {
    if (this.#timer === undefined) this.#timer = setTimeout(() => this.#turn(intervalMs), 0).unref();
  }

  #turn(intervalMs: number): void {
    this.#timer = this.#work() ? setTimeout(() => this.#turn(intervalMs), intervalMs).unref() : undefined;
  }
}
