import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";

import { Activator } from "./activator.ts";
import { advance, limits, settings, url, World } from "./testing/world.ts";

let world: World;
let activator: Activator;

beforeEach(() => {
  vi.useFakeTimers();
  world = new World();
  activator = new Activator(world);
});

afterEach(() => {
  vi.useRealTimers();
});

const changed = { ...settings, intervalMs: 50 };

describe("Activator", () => {
  test("gives every route and worker the same backend for the same name", () => {
    const one = activator.register(settings, { key: "a", seq: 1 });
    const other = activator.register({ ...settings }, { key: "b", seq: 2 });
    expect(other.backend).toBe(one.backend);
    expect(activator.backends).toHaveLength(1);
  });

  test("shows no demand for an unknown name", () => {
    expect(activator.demand("unheard-of")).toEqual({ held: 0, inFlight: 0, chained: 0 });
  });

  test("refuses other settings for a name in use, and names what differs", () => {
    activator.register(settings, { key: "a", seq: 1 });
    void activator.backends[0]
      ?.hold({ url, arrivedAtMs: 0, timeoutMs: 10, limits: { ...limits, maxHeldTotal: 1 } })
      .catch(() => {});
    expect(() => activator.register(changed, { key: "b", seq: 2 })).toThrow(/"demo".*intervalMs/);
  });

  test("adopts an owner's new settings after a reload, while other routes still have the old ones", async () => {
    const { backend } = activator.register(settings, { key: "a", seq: 1 });
    activator.register(settings, { key: "b", seq: 2 });
    void backend
      .hold({ url, arrivedAtMs: 0, timeoutMs: 10, limits: { ...limits, maxHeldTotal: 1 } })
      .catch(() => {});
    activator.register(changed, { key: "a", seq: 3 });
    activator.register(changed, { key: "b", seq: 4 });
    expect(backend.settings.intervalMs).toBe(50);
    await advance(20);
  });

  test("keeps the new settings when a worker is late with the old ones", () => {
    const { backend } = activator.register(settings, { key: "a", seq: 1 });
    activator.register(changed, { key: "a", seq: 3 });
    activator.register(settings, { key: "a", seq: 2 });
    expect(backend.settings.intervalMs).toBe(50);
  });

  test("gives away the name of a removed route's backend once it is unused", async () => {
    const { backend } = activator.register(settings, { key: "removed", seq: 1 });
    const held = backend.hold({
      url,
      arrivedAtMs: 0,
      timeoutMs: 10,
      limits: { ...limits, maxHeldTotal: 1 },
    });
    await Promise.all([expect(held).rejects.toThrow("in time"), advance(60_100)]);
    activator.register(changed, { key: "new", seq: 2 });
    expect(backend.settings.intervalMs).toBe(50);
  });

  test("forgets a name that nobody claims and that has been unused for a while", async () => {
    const owner = activator.register(settings, { key: "a", seq: 1 });
    owner.release();
    await advance(10);
    expect(activator.backends).toEqual([]);
    expect(world.events).toContainEqual({ event: "backend.forgotten", backend: "demo" });
  });

  test("keeps a name and what it has learnt while requests for it are held or in flight", async () => {
    const owner = activator.register(settings, { key: "a", seq: 1 });
    world.isBackendUp = true;
    const held = owner.backend.hold({
      url,
      arrivedAtMs: performance.now(),
      timeoutMs: 10_000,
      limits: { ...limits, maxHeldTotal: 1 },
    });
    owner.release();
    await Promise.all([held, advance(100)]);
    const id = owner.backend.begin();
    await advance(600_000);
    expect(activator.find("demo")).toBe(owner.backend);
    owner.backend.ended(id);
    await advance(600_000);
    expect(activator.find("demo")).toBeUndefined();
    expect(vi.getTimerCount()).toBe(0);
  });

  test("keeps a name that is claimed again", async () => {
    activator.register(settings, { key: "a", seq: 1 }).release();
    const again = activator.register(settings, { key: "b", seq: 2 });
    await advance(600_000);
    expect(activator.find("demo")).toBe(again.backend);
  });

  test("refuses a name when there are far too many", () => {
    const small = new Activator(world, { maxBackends: 2 });
    const claim = (name: string) => small.register({ ...settings, name }, { key: name, seq: 1 });
    claim("one").release();
    claim("two");
    claim("three");
    expect(() => claim("four")).toThrow("2 backends");
    expect(small.backends.map(({ name }) => name)).toEqual(["two", "three"]);
  });

  test("knows 50,000 names at most", () => {
    const owner = { key: "a", seq: 1 };
    for (let nth = 0; nth < 50_000; nth += 1)
      activator.register({ ...settings, name: `backend-${nth}` }, owner);
    expect(() => activator.register(settings, owner)).toThrow("50000 backends");
  });

  test("gives the name away at once when its owner's instances are closed", () => {
    const old = activator.register(settings, { key: "a", seq: 1 });
    void old.backend
      .hold({ url, arrivedAtMs: 0, timeoutMs: 10, limits: { ...limits, maxHeldTotal: 1 } })
      .catch(() => {});
    old.release();
    activator.register(changed, { key: "b", seq: 2 });
    expect(old.backend.settings.intervalMs).toBe(50);
  });
});
