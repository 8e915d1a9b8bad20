import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";

import { Activator } from "./activator.ts";
import { advance, settings, target, World } from "./testing/world.ts";

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
  test("gives every route and worker that names a backend the same one", () => {
    const one = activator.register(settings, { key: "a", seq: 1 });
    const other = activator.register({ ...settings }, { key: "b", seq: 2 });
    expect(other.backend).toBe(one.backend);
    expect(activator.backends).toHaveLength(1);
  });

  test("shows no demand for a name that nobody has asked for", () => {
    expect(activator.demand("unheard-of")).toEqual({ held: 0, inFlight: 0 });
  });

  test("refuses other settings for a name in use, and names what differs", () => {
    activator.register(settings, { key: "a", seq: 1 });
    void activator.backends[0]
      ?.hold({ target, arrivedAtMs: 0, timeoutMs: 10, maxHeldTotal: 1 })
      .catch(() => {});
    expect(() => activator.register(changed, { key: "b", seq: 2 })).toThrow(/"demo".*intervalMs/);
  });

  test("takes over an owner's new settings after a reload, while other routes still have the old ones", async () => {
    const { backend } = activator.register(settings, { key: "a", seq: 1 });
    activator.register(settings, { key: "b", seq: 2 });
    void backend.hold({ target, arrivedAtMs: 0, timeoutMs: 10, maxHeldTotal: 1 }).catch(() => {});
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

  test("gives the name of a removed route's backend away once it is unused", async () => {
    const { backend } = activator.register(settings, { key: "removed", seq: 1 });
    const held = backend.hold({ target, arrivedAtMs: 0, timeoutMs: 10, maxHeldTotal: 1 });
    await Promise.all([expect(held).rejects.toThrow("in time"), advance(60_100)]);
    activator.register(changed, { key: "new", seq: 2 });
    expect(backend.settings.intervalMs).toBe(50);
  });

  test("gives the name away at once when its owner's instances are closed", () => {
    const old = activator.register(settings, { key: "a", seq: 1 });
    void old.backend.hold({ target, arrivedAtMs: 0, timeoutMs: 10, maxHeldTotal: 1 }).catch(() => {});
    old.release();
    activator.register(changed, { key: "b", seq: 2 });
    expect(old.backend.settings.intervalMs).toBe(50);
  });
});
