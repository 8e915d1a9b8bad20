/** Hands out its entries in order and repeats the last one. */
export class Script<Entry> {
  #entries: readonly [Entry, ...Entry[]];
  #position = 0;

  constructor(entries: readonly [Entry, ...Entry[]]) {
    this.#entries = entries;
  }

  next(): Entry {
    const entry = this.#entries[Math.min(this.#position, this.#entries.length - 1)] ?? this.#entries[0];
    this.#position += 1;
    return entry;
  }

  /** Goes on with other entries, from the first. */
  replace(entries: readonly [Entry, ...Entry[]]): void {
    this.#entries = entries;
    this.#position = 0;
  }
}
