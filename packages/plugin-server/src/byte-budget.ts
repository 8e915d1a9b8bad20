/** Holds bytes, and can be made to give them up. */
export interface ByteHolder {
  giveUp(): void;
}

/**
 * A limit on what all holders keep together. When it is exceeded, the one that keeps most gives up everything, so hoarding
 * costs nobody else.
 */
export class ByteBudget {
  readonly #maxBytes: number;
  readonly #bytesOf = new Map<ByteHolder, number>();
  #total = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Records how much `holder` keeps now. */
  set(holder: ByteHolder, bytes: number): void {
    this.#total += bytes - (this.#bytesOf.get(holder) ?? 0);
    if (bytes === 0) this.#bytesOf.delete(holder);
    else this.#bytesOf.set(holder, bytes);
    while (this.#total > this.#maxBytes) this.#relieve();
  }

  #relieve(): void {
    const [largest] = [...this.#bytesOf].reduce((most, one) => (one[1] > most[1] ? one : most));
    this.#total -= this.#bytesOf.get(largest) ?? 0;
    this.#bytesOf.delete(largest);
    largest.giveUp();
  }
}
