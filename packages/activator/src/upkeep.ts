/**
 * Repeats background work as long as there is any: for the first time right after its start, then at an interval. Does not
 * keep the process alive.
 */
export class Upkeep {
  readonly #work: () => boolean;
  #timer: NodeJS.Timeout | undefined;

  /** @param work Returns whether to repeat it. */
  constructor(work: () => boolean) {
    this.#work = work;
  }

  get isGoingOn(): boolean {
    return this.#timer !== undefined;
  }

  /** Starts the work unless it is going on. It always runs later, never on the caller's path. */
  start(intervalMs: number): void {
    if (this.#timer === undefined) this.#timer = setTimeout(() => this.#turn(intervalMs), 0).unref();
  }

  #turn(intervalMs: number): void {
    this.#timer = this.#work() ? setTimeout(() => this.#turn(intervalMs), intervalMs).unref() : undefined;
  }
}
