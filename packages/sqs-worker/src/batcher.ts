import type { BatchResult, EntryFailure } from "./queue.ts";

export interface BatcherOptions<Item> {
  /** How long an item waits for others to fill its batch, in ms. */
  readonly delayMs: number;
  /** Concurrent calls; further batches wait for one to end. */
  readonly maxCalls: number;
  /** Sends up to 10 items. If it throws, all of them fail. */
  readonly send: (items: readonly Item[]) => Promise<BatchResult>;
}

/** One entry of a batch was refused. */
export class EntryError extends Error implements EntryFailure {
  readonly code: string;
  readonly reason: string;
  readonly isFinal: boolean;

  constructor({ code, reason, isFinal }: EntryFailure) {
    super(`${code}: ${reason}`);
    this.code = code;
    this.reason = reason;
    this.isFinal = isFinal;
  }
}

interface Waiting<Item> {
  readonly item: Item;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

const batchSize = 10;

/** Collects single items into batches of 10, the most that SQS accepts, and settles each with its own outcome. */
export class Batcher<Item> {
  readonly #options: BatcherOptions<Item>;
  readonly #waiting: Waiting<Item>[] = [];
  #calls = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: BatcherOptions<Item>) {
    this.#options = options;
  }

  /** Resolves once the queue has accepted the item. Rejects with an EntryError, or with the failure of the whole call. */
  add(item: Item): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ item, resolve, reject });
      if (this.#waiting.length >= batchSize) this.#sendFullBatches();
      else this.#timer ??= setTimeout(() => this.#sendAll(), this.#options.delayMs);
    });
  }

  #sendFullBatches(): void {
    while (this.#waiting.length >= batchSize && this.#calls < this.#options.maxCalls) this.#sendOne();
  }

  #sendAll(): void {
    this.#timer = undefined;
    while (this.#waiting.length > 0 && this.#calls < this.#options.maxCalls) this.#sendOne();
  }

  #sendOne(): void {
    const batch = this.#waiting.splice(0, batchSize);
    this.#calls += 1;
    this.#options
      .send(batch.map(({ item }) => item))
      .then(
        (result) => {
          for (const [index, { resolve, reject }] of batch.entries()) {
            const failure = result[index];
            if (failure === undefined) resolve();
            else reject(new EntryError(failure));
          }
        },
        (error: unknown) => {
          for (const { reject } of batch) reject(error);
        },
      )
      .finally(() => {
        this.#calls -= 1;
        // What waited for this call to end has waited long enough; send it in whatever batches there are.
        if (this.#timer === undefined) this.#sendAll();
        else this.#sendFullBatches();
      });
  }
}
