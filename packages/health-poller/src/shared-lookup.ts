import type { LookupAddress } from "node:dns";
import type { LookupFunction } from "node:net";

import { withDeadline } from "@kong-serverless/runtime";

import type { ResolvedName } from "./name-resolver.ts";

export type Resolve = (hostname: string) => Promise<ResolvedName>;

interface CachedLookup {
  readonly answer: Promise<readonly LookupAddress[]>;
  /** On the clock of `performance.now()`; Infinity during the lookup. */
  expiresAtMs: number;
  /** How often it has been used: each use starts with the next address. */
  uses: number;
}

/** A name is kept for its time to live, within these limits: with less, thousands of probes would query too often. */
const leastKeptMs = 1000;
const longestKeptMs = 5000;
/** A missing name may appear at any moment: that of a headless Service does with its first pod. */
const absenceKeptMs = 100;
const deadlineMs = 5000;
const mostNames = 4096;

/**
 * Looks up host names for connections, each name once at a time, and caches the outcome for a while: a sleeping backend
 * refuses connections, so that every probe opens a new one, fifty a second.
 */
export class SharedLookup {
  readonly #resolve: Resolve;
  readonly #entries = new Map<string, CachedLookup>();

  constructor(resolve: Resolve) {
    this.#resolve = resolve;
  }

  /** For the `lookup` option of a connection or agent. */
  readonly lookup: LookupFunction = (hostname, { all }, callback) => {
    const entry = this.#entryOf(hostname);
    const turn = entry.uses++;
    // Called outside the promise: an error thrown by the callback is not a failed lookup.
    entry.answer.then(
      (known) => {
        const addresses = rotated(known, turn);
        const [{ address, family } = { address: "", family: 0 }] = addresses;
        if (all === true) process.nextTick(callback, null, addresses);
        else process.nextTick(callback, null, address, family);
      },
      (error: unknown) => process.nextTick(callback, error, ""),
    );
  };

  #entryOf(hostname: string): CachedLookup {
    const known = this.#entries.get(hostname);
    if (known !== undefined && performance.now() < known.expiresAtMs) return known;
    this.#entries.delete(hostname);
    // A Map keeps the order of insertion: the first is the oldest.
    for (const oldest of this.#entries.keys()) {
      if (this.#entries.size < mostNames) break;
      this.#entries.delete(oldest);
    }
    const resolving = inTime(hostname, this.#resolve(hostname));
    const entry: CachedLookup = {
      answer: resolving.then(({ addresses }) => addresses),
      expiresAtMs: Infinity,
      uses: 0,
    };
    const keepFor = (ms: number) => {
      entry.expiresAtMs = performance.now() + ms;
    };
    resolving.then(
      ({ ttlMs }) => keepFor(Math.min(Math.max(ttlMs, leastKeptMs), longestKeptMs)),
      () => keepFor(absenceKeptMs),
    );
    this.#entries.set(hostname, entry);
    return entry;
  }
}

/** A connection that hangs at one address is given up before the next is tried, so the next connection starts with that one. */
function rotated(addresses: readonly LookupAddress[], by: number): LookupAddress[] {
  const first = addresses.length === 0 ? 0 : by % addresses.length;
  return [...addresses.slice(first), ...addresses.slice(0, first)];
}

async function inTime<T>(hostname: string, answer: Promise<T>): Promise<T> {
  const late = Promise.withResolvers<never>();
  const reason = () =>
    Object.assign(new Error(`lookup of ${hostname} got no answer within ${deadlineMs} ms`), {
      code: "ETIMEDOUT",
    });
  using deadline = withDeadline(deadlineMs, reason);
  deadline.signal.addEventListener("abort", () => late.reject(deadline.signal.reason), { once: true });
  return await Promise.race([answer, late.promise]);
}
