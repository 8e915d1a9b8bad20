export interface JobQueueOptions {
  /** Turns of the event loop between two jobs when there are many. Others get theirs in them: libuv accepts one connection a turn. */
  readonly turnsBetween: number;
}

/** So many at once are no burst. */
const atOnce = 10;

/**
 * Starts jobs in the order in which they come: a few at once, and when there are more, one every few turns of the event
 * loop. So a thousand of them keep nothing else waiting for longer than one takes.
 */
export class JobQueue {
  readonly #turnsBetween: number;
  readonly #waiting: (() => void)[] = [];
  #room = atOnce;
  #turns = 0;
  #isTurning = false;

  constructor({ turnsBetween }: JobQueueOptions) {
    this.#turnsBetween = turnsBetween;
  }

  /** Runs the job before it returns, unless there are too many. A job must not throw. */
  add(job: () => void): void {
    if (!this.#isTurning) this.#turnAgain();
    if (this.#room > 0) {
      this.#room -= 1;
      job();
    } else {
      this.#waiting.push(job);
    }
  }

  #turnAgain(): void {
    this.#isTurning = true;
    setImmediate(() => this.#turn());
  }

  #turn(): void {
    this.#turns += 1;
    if (this.#waiting.length === 0) {
      this.#isTurning = false;
      this.#room = atOnce;
      return;
    }
    this.#turnAgain();
    if (this.#turns % this.#turnsBetween === 0) this.#waiting.shift()?.();
  }
}
