import type { Delivery } from "./delivery.ts";

/** The deliveries whose handlers have not ended, those included that nobody waits for any more. */
export class HandlersAtWork {
  readonly #concurrency: number;
  readonly #deliveries = new Set<Delivery>();
  #abandoned = 0;

  constructor(concurrency: number) {
    this.#concurrency = concurrency;
  }

  get count(): number {
    return this.#deliveries.size;
  }

  /** Handlers that ignored the end of their time and hold no slot any more. */
  get abandoned(): number {
    return this.#abandoned;
  }

  /** Whether as many handlers never end as the worker has slots: only a restart gets rid of them. */
  get areStuck(): boolean {
    return this.#abandoned >= this.#concurrency;
  }

  /** Epoch ms at which the oldest message in work was sent. */
  get oldestSentAt(): number | undefined {
    let oldest: number | undefined;
    for (const { sentAt } of this.#deliveries) {
      if (sentAt !== undefined && !(oldest !== undefined && oldest <= sentAt)) oldest = sentAt;
    }
    return oldest;
  }

  add(delivery: Delivery): void {
    this.#deliveries.add(delivery);
  }

  /** Counts a handler as abandoned, and says whether another may start in its place: at most twice the concurrency ever runs. */
  abandon(): boolean {
    this.#abandoned += 1;
    return this.#abandoned <= this.#concurrency;
  }

  remove(delivery: Delivery): void {
    this.#deliveries.delete(delivery);
    if (delivery.isAbandoned) this.#abandoned -= 1;
  }

  /** Aborts every handler; its message is given back. */
  abort(reason: Error): void {
    for (const delivery of this.#deliveries) delivery.abort(reason);
  }
}
