/**
 * After a restart the count starts at zero while older requests may be open. When one of these ends, the backend counts as in
 * use for this long, since more may be open.
 */
const strayGraceMs = 300_000;
/** How soon a gateway that counts for itself reports a change. */
const handOverMs = 300;

/** Requests that were forwarded and have not ended: those counted here, and those that gateways count themselves. */
export class InFlight {
  /** When each began, by its id; the oldest first. */
  readonly #begunAtMs = new Map<number, number>();
  readonly #reported = new Map<string, number>();
  #reportedTotal = 0;
  /** Released to gateways that count for themselves, which may not have reported them yet. */
  #handedOver: { readonly atMs: number; count: number }[] = [];
  #nextId = 1;
  #strayUntilMs = 0;

  get count(): number {
    return this.#begunAtMs.size + Math.max(this.#reportedTotal, this.#countHandedOver(performance.now()));
  }

  /** Whether a request is open or may be. */
  isActive(nowMs: number): boolean {
    return this.count > 0 || nowMs < this.#strayUntilMs;
  }

  /** Counts a request. Returns the id under which it ends. */
  begin(nowMs: number): number {
    const id = this.#nextId++;
    this.#begunAtMs.set(id, nowMs);
    return id;
  }

  /** Does nothing for an id that has ended or was written off. */
  end(id: number): void {
    this.#begunAtMs.delete(id);
  }

  /** A request has ended that began before this process did. */
  endStray(nowMs: number): void {
    this.#strayUntilMs = nowMs + strayGraceMs;
  }

  /** A request goes to a gateway that counts for itself: it is counted here until the gateway must have reported it. */
  handOver(nowMs: number): void {
    const latest = this.#handedOver.at(-1);
    if (latest !== undefined && nowMs - latest.atMs < handOverMs / 6) latest.count += 1;
    else this.#handedOver.push({ atMs: nowMs, count: 1 });
  }

  /** Sets how many requests a gateway has in flight, by its own count. */
  report(gateway: string, count: number): void {
    this.#reportedTotal += count - (this.#reported.get(gateway) ?? 0);
    if (count === 0) this.#reported.delete(gateway);
    else this.#reported.set(gateway, count);
  }

  /** Forgets requests that began at least `maxSeconds` ago (0: never). Returns how many. */
  writeOff(nowMs: number, maxSeconds: number): number {
    if (maxSeconds === 0) return 0;
    let writtenOff = 0;
    for (const [id, begunAtMs] of this.#begunAtMs) {
      if (nowMs - begunAtMs < maxSeconds * 1000) break;
      this.#begunAtMs.delete(id);
      writtenOff += 1;
    }
    return writtenOff;
  }

  #countHandedOver(nowMs: number): number {
    if (this.#handedOver.length === 0) return 0;
    this.#handedOver = this.#handedOver.filter(({ atMs }) => nowMs - atMs < handOverMs);
    return this.#handedOver.reduce((sum, { count }) => sum + count, 0);
  }
}
