import type { LookupAddress } from "node:dns";

import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";

import type { ResolvedName } from "./name-resolver.ts";
import { type Resolve, SharedLookup } from "./shared-lookup.ts";

const addresses: readonly LookupAddress[] = [
  { address: "10.0.0.1", family: 4 },
  { address: "10.0.0.2", family: 4 },
  { address: "fd00::1", family: 6 },
];
const known: ResolvedName = { addresses: addresses.slice(0, 1), ttlMs: 0 };

function addressesOf(shared: SharedLookup, hostname: string): Promise<unknown> {
  return new Promise((resolve, reject) => {
    shared.lookup(hostname, { all: true }, (error, found) => (error ? reject(error) : resolve(found)));
  });
}

describe("SharedLookup", () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  test("looks up a name once for all who ask at the same time", async () => {
    const { promise, resolve: answer } = Promise.withResolvers<ResolvedName>();
    const resolve = vi.fn<Resolve>(() => promise);
    const shared = new SharedLookup(resolve);
    const asking = [addressesOf(shared, "a"), addressesOf(shared, "a")];
    answer(known);
    expect(await Promise.all(asking)).toEqual([known.addresses, known.addresses]);
    expect(resolve).toHaveBeenCalledTimes(1);
  });

  test.each([
    { ttlMs: 0, keptMs: 1000 },
    { ttlMs: 3000, keptMs: 3000 },
    { ttlMs: 60_000, keptMs: 5000 },
  ])("keeps a name whose server says $ttlMs ms for $keptMs ms", async ({ ttlMs, keptMs }) => {
    const resolve = vi.fn<Resolve>(async () => ({ ...known, ttlMs }));
    const shared = new SharedLookup(resolve);
    await addressesOf(shared, "a");
    await vi.advanceTimersByTimeAsync(keptMs - 1);
    await addressesOf(shared, "a");
    expect(resolve).toHaveBeenCalledTimes(1);
    await vi.advanceTimersByTimeAsync(1);
    await addressesOf(shared, "a");
    expect(resolve).toHaveBeenCalledTimes(2);
  });

  test("remembers for a tenth of a second that a name was not found", async () => {
    const resolve = vi.fn<Resolve>(async () => known).mockRejectedValueOnce(new Error("ENOTFOUND"));
    const shared = new SharedLookup(resolve);
    await expect(addressesOf(shared, "a")).rejects.toThrow("ENOTFOUND");
    await vi.advanceTimersByTimeAsync(99);
    await expect(addressesOf(shared, "a")).rejects.toThrow("ENOTFOUND");
    await vi.advanceTimersByTimeAsync(1);
    expect(await addressesOf(shared, "a")).toEqual(known.addresses);
  });

  test("lets a hanging name delay no other, and gives it up", async () => {
    const resolve = vi.fn<Resolve>((hostname) =>
      hostname === "hangs" ? new Promise(() => {}) : Promise.resolve(known),
    );
    const shared = new SharedLookup(resolve);
    const hanging = Array.from({ length: 10 }, () =>
      addressesOf(shared, "hangs").catch((error: Error) => error.message),
    );
    expect(await addressesOf(shared, "answers")).toEqual(known.addresses);
    expect(resolve).toHaveBeenCalledTimes(2);
    await vi.advanceTimersByTimeAsync(5000);
    expect(new Set(await Promise.all(hanging))).toEqual(
      new Set(["lookup of hangs got no answer within 5000 ms"]),
    );
    expect(vi.getTimerCount()).toBe(0);
  });

  test("starts with another address each time", async () => {
    const [one, two, three] = addresses;
    const shared = new SharedLookup(async () => ({ addresses, ttlMs: 0 }));
    expect(await addressesOf(shared, "a")).toEqual([one, two, three]);
    expect(await addressesOf(shared, "a")).toEqual([two, three, one]);
    expect(await addressesOf(shared, "a")).toEqual([three, one, two]);
    expect(await addressesOf(shared, "a")).toEqual([one, two, three]);
  });

  test("remembers 4,096 names, and forgets the one looked up longest ago for the next", async () => {
    const resolve = vi.fn<Resolve>(async () => known);
    const shared = new SharedLookup(resolve);
    for (let name = 0; name <= 4096; name += 1) await addressesOf(shared, `name-${name}`);
    await addressesOf(shared, "name-1");
    expect(resolve).toHaveBeenCalledTimes(4097);
    await addressesOf(shared, "name-0");
    expect(resolve).toHaveBeenCalledTimes(4098);
  });

  test("answers with one address where one is wanted", async () => {
    const shared = new SharedLookup(async () => known);
    const answer = await new Promise((resolve) => {
      shared.lookup("a", {}, (...found) => resolve(found));
    });
    expect(answer).toEqual([null, "10.0.0.1", 4]);
  });
});
