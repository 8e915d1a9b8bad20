/** Repeats background work while there is any: the first time as soon as it is started, then at an interval. */
export class Upkeep {
  readonly #work: () => boolean;
  #timer: NodeJS.Timeout | undefined;

  /** @param work Returns whether it is to be repeated. */
  constructor(work: () => boolean) {
    this.#work = work;
  }

  /** Starts the work unless it is going on. The work itself runs later, never on the caller's path. */
  start(intervalMs: number): void {
    if (this.#timer === undefined) this.#timer = setTimeout(() => this.#turn(intervalMs), 0);
  }

  #turn(intervalMs: number): void {
    this.#timer = this.#work() ? setTimeout(() => this.#turn(intervalMs), intervalMs) : undefined;
  }
}
