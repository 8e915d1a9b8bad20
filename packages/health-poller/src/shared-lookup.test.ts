import type { LookupAddress } from "node:dns";

import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";

import { type Resolve, SharedLookup } from "./shared-lookup.ts";

const address: LookupAddress = { address: "10.0.0.1", family: 4 };

function addressesOf(shared: SharedLookup, hostname: string): Promise<unknown> {
  return new Promise((resolve, reject) => {
    shared.lookup(hostname, { all: true }, (error, addresses) =>
      error ? reject(error) : resolve(addresses),
    );
  });
}

describe("SharedLookup", () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  test("asks once for all who want the same name at the same time", async () => {
    const { promise, resolve: answer } = Promise.withResolvers<LookupAddress[]>();
    const resolve = vi.fn<Resolve>(() => promise);
    const shared = new SharedLookup(resolve);
    const asking = [addressesOf(shared, "a"), addressesOf(shared, "a")];
    answer([address]);
    expect(await Promise.all(asking)).toEqual([[address], [address]]);
    expect(resolve).toHaveBeenCalledTimes(1);
  });

  test("asks again after a second", async () => {
    const resolve = vi.fn<Resolve>(async () => [address]);
    const shared = new SharedLookup(resolve);
    await addressesOf(shared, "a");
    await vi.advanceTimersByTimeAsync(999);
    await addressesOf(shared, "a");
    expect(resolve).toHaveBeenCalledTimes(1);
    await vi.advanceTimersByTimeAsync(1);
    await addressesOf(shared, "a");
    expect(resolve).toHaveBeenCalledTimes(2);
  });

  test("asks again at once for a name that was not found", async () => {
    const resolve = vi.fn<Resolve>(async () => [address]).mockRejectedValueOnce(new Error("ENOTFOUND"));
    const shared = new SharedLookup(resolve);
    await expect(addressesOf(shared, "a")).rejects.toThrow("ENOTFOUND");
    expect(await addressesOf(shared, "a")).toEqual([address]);
  });

  test("lets one name wait without the others", async () => {
    const resolve = vi.fn<Resolve>((hostname) =>
      hostname === "hangs" ? new Promise(() => {}) : Promise.resolve([address]),
    );
    const shared = new SharedLookup(resolve);
    for (let asked = 0; asked < 10; asked += 1) addressesOf(shared, "hangs").catch(() => {});
    expect(await addressesOf(shared, "answers")).toEqual([address]);
    expect(resolve).toHaveBeenCalledTimes(2);
  });

  test("answers with one address where one is wanted", async () => {
    const shared = new SharedLookup(async () => [address]);
    const answer = await new Promise((resolve) => {
      shared.lookup("a", {}, (...found) => resolve(found));
    });
    expect(answer).toEqual([null, "10.0.0.1", 4]);
  });
});
