/** A set of ids that forgets the oldest when it is full. */
export class RecentIds {
  readonly #ids = new Set<string>();
  readonly #maxSize: number;

  constructor(maxSize: number) {
    this.#maxSize = maxSize;
  }

  has(id: string): boolean {
    return this.#ids.has(id);
  }

  add(id: string): void {
    this.#ids.add(id);
    if (this.#ids.size <= this.#maxSize) return;
    // A Set keeps the order of insertion.
    for (const oldest of this.#ids) {
      this.#ids.delete(oldest);
      return;
    }
  }

  delete(id: string): void {
    this.#ids.delete(id);
  }
}
