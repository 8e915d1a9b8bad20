import type { BackendSettings } from "@kong-serverless/config";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";

import { Activator } from "./activator.ts";
import type { Backend } from "./backend.ts";
import { advance, limits, settings as defaults, World } from "./testing/world.ts";

/** Several backends, each of which is up or not. */
class Town extends World {
  readonly up = new Set<string>();
  readonly asked: string[] = [];

  override readonly probe: World["probe"] = async ({ url }) => {
    const { hostname } = new URL(url);
    this.asked.push(hostname);
    await new Promise((resolve) => {
      setTimeout(resolve, 1);
    });
    return { isReady: this.up.has(hostname), durationMs: 1 };
  };

  wakes(name: string): number {
    return this.messages.filter(({ backend }) => backend === name).length;
  }
}

let town: Town;
let activator: Activator;

beforeEach(() => {
  vi.useFakeTimers();
  town = new Town();
  activator = new Activator(town);
});

afterEach(() => {
  vi.useRealTimers();
});

/** Each is configured by a plugin of its own. */
function add(name: string, settings: Partial<BackendSettings> = {}): Backend {
  const own = { name, wake: { pubsub: "pubsub", topic: `wake-${name}` }, upstream: `http://${name}` };
  return activator.register({ ...defaults, ...own, ...settings }, { key: name, seq: 1 }).backend;
}

function hold(backend: Backend, signal?: AbortSignal) {
  const outcome: { state: string; probes?: number; code?: unknown; blamed?: unknown } = { state: "held" };
  void backend
    .hold({
      arrivedAtMs: performance.now(),
      timeoutMs: 10_000,
      limits,
      ...(signal && { signal }),
    })
    .then(
      ({ probes }) => Object.assign(outcome, { state: "released", probes }),
      (error: { code: unknown; backend: unknown }) =>
        Object.assign(outcome, { state: "refused", code: error.code, blamed: error.backend }),
    );
  return outcome;
}

describe("a backend that others are woken with", () => {
  test("wakes them at the same moment, and gets its requests when those that it waits for are ready too", async () => {
    const shop = add("shop", { alsoWake: ["mail"], waitFor: ["store"] });
    add("mail");
    add("store");
    const outcome = hold(shop);
    await advance(0);
    expect(town.messages.map(({ backend, reason }) => `${backend}: ${reason}`).toSorted()).toEqual([
      "mail: activation",
      "shop: activation",
      "store: activation",
    ]);
    town.up.add("shop");
    await advance(500);
    expect(outcome.state).toBe("held");
    town.up.add("store");
    await advance(25);
    expect(outcome.state).toBe("released");
    expect(town.events).toContainEqual({ event: "activation.started", backend: "store", wokenBy: "shop" });
  });

  test("gets no request before it is ready itself", async () => {
    const shop = add("shop", { waitFor: ["store"] });
    add("store");
    town.up.add("store");
    const outcome = hold(shop);
    await advance(500);
    expect(outcome.state).toBe("held");
    town.up.add("shop");
    await advance(25);
    expect(outcome.state).toBe("released");
  });

  test("wakes and awaits a whole chain once, however many requests are held", async () => {
    const shop = add("shop", { waitFor: ["store"] });
    add("store", { waitFor: ["database"], alsoWake: ["audit"] });
    add("database");
    add("audit");
    const outcomes = Array.from({ length: 20 }, () => hold(shop));
    for (const name of ["shop", "store"]) town.up.add(name);
    await advance(1000);
    expect(outcomes.every(({ state }) => state === "held")).toBe(true);
    expect(["shop", "store", "database", "audit"].map((name) => town.wakes(name))).toEqual([1, 1, 1, 1]);
    town.up.add("database");
    await advance(25);
    expect(outcomes.every(({ state }) => state === "released")).toBe(true);
    expect(activator.find("audit")?.state).toBe("activating");
  });

  test("counts as started cold when only what it waits for was", async () => {
    const shop = add("shop", { waitFor: ["store"] });
    add("store");
    town.up.add("shop");
    const outcome = hold(shop);
    await advance(200);
    town.up.add("store");
    await advance(25);
    expect(outcome.state).toBe("released");
    expect(outcome.probes).toBeGreaterThan(5);
  });

  test("is probed again when the others took longer than its own answer counts", async () => {
    const shop = add("shop", { waitFor: ["store"] });
    add("store");
    town.up.add("shop");
    const outcome = hold(shop);
    await advance(3000);
    town.up.delete("shop");
    town.up.add("store");
    await advance(500);
    expect(outcome.state).toBe("held");
    town.up.add("shop");
    await advance(25);
    expect(outcome.state).toBe("released");
  });

  test("answers CHAIN_NOT_READY and names the one that did not start, at its own deadline", async () => {
    const shop = add("shop", { waitFor: ["store"] });
    add("store", { waitFor: ["database"] });
    add("database");
    for (const name of ["shop", "store"]) town.up.add(name);
    const outcome = hold(shop);
    await advance(9900);
    expect(outcome.state).toBe("held");
    await advance(200);
    expect(outcome).toMatchObject({ state: "refused", code: "CHAIN_NOT_READY", blamed: "database" });
    expect(town.events).toContainEqual(
      expect.objectContaining({
        event: "activation.failed",
        backend: "shop",
        code: "CHAIN_NOT_READY",
        blockedBy: ["database"],
      }),
    );
    expect(activator.backends.map(({ state }) => state)).toEqual(["cold", "cold", "cold"]);
  });

  test("answers HOLD_TIMEOUT for itself when it was not ready either", async () => {
    const shop = add("shop", { waitFor: ["store"] });
    add("store");
    const outcome = hold(shop);
    await advance(10_100);
    expect(outcome).toMatchObject({ state: "refused", code: "HOLD_TIMEOUT", blamed: "shop" });
  });

  test("holds a late request for its own time, and the others of the chain with it", async () => {
    const shop = add("shop", { waitFor: ["store"] });
    add("store");
    town.up.add("shop");
    const early = hold(shop);
    await advance(9000);
    const late = hold(shop);
    await advance(5000);
    expect([early.state, late.state]).toEqual(["refused", "held"]);
    town.up.add("store");
    await advance(25);
    expect(late.state).toBe("released");
  });

  test("ends where it began when backends of several plugins name each other", async () => {
    const shop = add("shop", { waitFor: ["store"] });
    const store = add("store", { waitFor: ["shop"] });
    const outcomes = [hold(shop), hold(store)];
    await advance(100);
    town.up.add("shop");
    await advance(100);
    expect(outcomes.map(({ state }) => state)).toEqual(["held", "held"]);
    town.up.add("store");
    await advance(25);
    expect(outcomes.map(({ state }) => state)).toEqual(["released", "released"]);
    await advance(120_000);
    expect(vi.getTimerCount()).toBe(0);
  });

  test("ignores a name that is not configured, and reports it once until it is", async () => {
    const shop = add("shop", { waitFor: ["store"] });
    town.up.add("shop");
    expect([hold(shop), hold(shop)].map(({ state }) => state)).toEqual(["held", "held"]);
    await advance(100);
    expect(shop.state).toBe("ready");
    expect(town.events.filter(({ event }) => event === "chain.broken")).toEqual([
      { event: "chain.broken", backend: "shop", chained: "store", cause: "unknown" },
    ]);
  });

  test("wakes no more than 64 others", async () => {
    const shop = add("shop", { alsoWake: ["b0"] });
    for (let index = 0; index < 100; index += 1) add(`b${index}`, { alsoWake: [`b${index + 1}`] });
    hold(shop);
    await advance(1000);
    expect(new Set(town.messages.map(({ backend }) => backend)).size).toBe(65);
    expect(town.events).toContainEqual({
      event: "chain.broken",
      backend: "shop",
      chained: "b64",
      cause: "too_long",
    });
  });

  test("refuses to wait for what it cannot probe, and wakes nothing", async () => {
    const shop = add("shop", { waitFor: ["store"] });
    const { upstream: _, ...store } = { ...defaults, name: "store", upstream: "" };
    activator.register(store, { key: "store", seq: 1 });
    const outcome = hold(shop);
    await advance(10);
    expect(outcome).toMatchObject({ state: "refused", code: "PROBE_TARGET_UNKNOWN", blamed: "store" });
    expect(town.messages).toEqual([]);
  });

  test("wakes what it cannot probe if it does not wait for it", async () => {
    const shop = add("shop", { alsoWake: ["store"] });
    const { upstream: _, ...store } = { ...defaults, name: "store", upstream: "", keepWarmIntervalMs: 0 };
    activator.register(store, { key: "store", seq: 1 });
    hold(shop);
    await advance(6000);
    expect(town.wakes("store")).toBe(2);
  });

  test("stops waking the others when all of its clients have left", async () => {
    const shop = add("shop", { alsoWake: ["store"] });
    add("store");
    const client = new AbortController();
    hold(shop, client.signal);
    await advance(100);
    expect(activator.demand("store")).toEqual({ held: 0, inFlight: 0, chained: 1 });
    client.abort(new Error("left"));
    await advance(60_000);
    expect(town.wakes("store")).toBe(1);
    expect(activator.demand("store").chained).toBe(0);
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe("a chain in use", () => {
  let shop: Backend;

  async function start(settings: Partial<BackendSettings>): Promise<void> {
    shop = add("shop", settings);
    add("store", { waitFor: ["database"] });
    add("database");
    expect(hold(shop).state).toBe("held");
    await advance(50);
    for (const name of ["shop", "store", "database"]) town.up.add(name);
    await advance(50);
    expect(shop.state).toBe("ready");
  }

  async function use(ms: number): Promise<void> {
    for (let passedMs = 0; passedMs < ms; passedMs += 100) {
      expect(shop.admit()).toBe(true);
      await advance(100);
    }
  }

  test("is kept warm to its end, and its leases are renewed off the path of requests", async () => {
    await start({ alsoWake: ["store"] });
    await use(63_000);
    for (const name of ["shop", "store", "database"]) {
      expect(town.wakes(name)).toBe(4);
      expect(activator.find(name)?.state).toBe("ready");
    }
    expect(activator.demand("database").chained).toBe(1);
    await advance(120_000);
    expect(activator.demand("database").chained).toBe(0);
    expect(town.wakes("database")).toBe(4);
    expect(vi.getTimerCount()).toBe(0);
  });

  test("is kept warm by a request that is still in flight", async () => {
    await start({ alsoWake: ["store"] });
    const id = shop.begin();
    await advance(63_000);
    expect(town.wakes("database")).toBe(4);
    shop.ended(id);
    await advance(120_000);
    expect(vi.getTimerCount()).toBe(0);
  });

  test("holds requests again when one that is waited for is lost, and wakes it", async () => {
    await start({ waitFor: ["store"] });
    await use(1000);
    town.up.delete("database");
    await advance(1);
    for (let turns = 0; turns < 30 && shop.admit(); turns += 1) await advance(100);
    expect(town.events).toContainEqual({ event: "lease.lost", backend: "shop", cause: "chain" });
    const outcome = hold(shop);
    await advance(200);
    expect(outcome.state).toBe("held");
    expect(activator.find("database")?.state).toBe("activating");
    town.up.add("database");
    await advance(25);
    expect(outcome.state).toBe("released");
  });

  test("keeps passing requests when one is lost that is only woken with it", async () => {
    await start({ alsoWake: ["store"] });
    town.up.delete("store");
    await use(5000);
    expect(activator.find("store")?.state).toBe("cold");
    expect(shop.state).toBe("ready");
  });
});
