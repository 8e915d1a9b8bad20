import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";

import { Activator } from "./activator.ts";
import type { Backend, HoldRequest } from "./backend.ts";
import { advance, limits, settings as defaults, url, World } from "./testing/world.ts";

let world: World;
let activator: Activator;
let backend: Backend;

beforeEach(() => {
  vi.useFakeTimers();
  world = new World();
  activator = new Activator(world);
  backend = register();
});

afterEach(() => {
  vi.useRealTimers();
});

function register(settings: Partial<typeof defaults> = {}): Backend {
  return activator.register({ ...defaults, ...settings }, { key: "route", seq: 1 }).backend;
}

/** Holds a request and records its outcome, so that no rejection is unhandled. */
function hold(options: Partial<HoldRequest> & { of?: Backend } = {}) {
  const { of = backend, ...request } = options;
  const outcome: { state: "held" | "released" | "refused"; error?: unknown } = { state: "held" };
  void of
    .hold({
      url,
      arrivedAtMs: performance.now(),
      timeoutMs: 10_000,
      limits: { ...limits, maxHeldTotal: 1000 },
      ...request,
    })
    .then(
      () => (outcome.state = "released"),
      (error: unknown) => Object.assign(outcome, { state: "refused", error }),
    );
  return outcome;
}

function released(outcomes: readonly { readonly state: string }[]): number {
  return outcomes.filter(({ state }) => state === "released").length;
}

/** Lets the backend answer after its first probes have failed. */
async function becomeReady(): Promise<void> {
  await advance(50);
  world.isBackendUp = true;
  await advance(25);
}

async function makeReady(): Promise<void> {
  hold();
  await becomeReady();
}

function report(inFlight: number, passed = 0, gateway = "a"): void {
  backend.report(gateway, { inFlight, passed });
}

/** Lets a request pass and counts it. */
function forward(): number {
  expect(backend.admit()).toBe(true);
  return backend.begin();
}

describe("a backend with a release concurrency", () => {
  const inFlight: number[] = [];

  beforeEach(() => {
    inFlight.length = 0;
    backend = register({ releaseConcurrency: 2 });
  });

  /** Holds requests and counts each as in flight as soon as it is released, as the plugin does. */
  function holdAndForward(count: number): { state: string }[] {
    return Array.from({ length: count }, () => {
      const outcome = { state: "held" };
      void backend.hold({ url, arrivedAtMs: performance.now(), timeoutMs: 60_000, limits }).then(
        () => {
          outcome.state = "released";
          inFlight.push(backend.begin());
        },
        () => (outcome.state = "refused"),
      );
      return outcome;
    });
  }

  async function end(count: number): Promise<void> {
    for (const id of inFlight.splice(0, count)) backend.ended(id);
    await advance(0);
  }

  test("gets that many held requests when it has started, and the others as those end", async () => {
    const outcomes = holdAndForward(5);
    await becomeReady();
    expect(released(outcomes)).toBe(2);
    expect(backend.demand).toEqual({ held: 3, inFlight: 2 });
    await end(1);
    expect(backend.demand).toEqual({ held: 2, inFlight: 2 });
    await end(2);
    expect(backend.demand).toEqual({ held: 0, inFlight: 2 });
    expect(outcomes.map(({ state }) => state)).toEqual(Array(5).fill("released"));
  });

  test("gets new requests after the held ones, and no lease while any is held", async () => {
    const early = holdAndForward(3);
    await becomeReady();
    expect(backend.admit()).toBe(false);
    expect(backend.leaseLeftMs).toBe(0);
    const late = holdAndForward(1);
    await end(1);
    expect([released(early), released(late)]).toEqual([3, 0]);
    await end(1);
    expect(released(late)).toBe(1);
    expect(world.count("activation.started")).toBe(1);
    expect(backend.admit()).toBe(true);
  });

  test("gets that many more after five seconds in which none ends, since they may be WebSockets", async () => {
    backend = register({ releaseConcurrency: 2, holdTimeoutMs: 60_000 });
    const outcomes = holdAndForward(7);
    await becomeReady();
    await advance(4900);
    expect(released(outcomes)).toBe(2);
    await advance(200);
    expect(released(outcomes)).toBe(4);
    await advance(5000);
    expect(released(outcomes)).toBe(6);
  });

  test("is started again for requests that wait for their turn when it is lost", async () => {
    const outcomes = holdAndForward(3);
    await becomeReady();
    world.isBackendUp = false;
    backend.unreachable();
    expect(backend.state).toBe("activating");
    await end(2);
    expect(released(outcomes)).toBe(2);
    world.isBackendUp = true;
    await advance(50);
    expect(released(outcomes)).toBe(3);
  });

  test("answers requests whose turn does not come in time", async () => {
    const outcomes = holdAndForward(200);
    await becomeReady();
    await advance(11_000);
    expect(backend.demand.held).toBe(0);
    expect(outcomes.some(({ state }) => state === "refused")).toBe(true);
  });

  test("gets all at once when it had been running, with any number of replicas", async () => {
    world.isBackendUp = true;
    const outcomes = holdAndForward(5);
    await advance(5);
    expect(released(outcomes)).toBe(5);
  });

  test("gets so many when the probe that was sent first is answered late: it has just started", async () => {
    world.probeMs = 150;
    world.isBackendUp = true;
    const outcomes = holdAndForward(5);
    await advance(200);
    expect(world.events).toContainEqual(expect.objectContaining({ event: "activation.ready", probes: 1 }));
    expect(released(outcomes)).toBe(2);
  });

  test("gets so many when it answers at once after it had been woken in vain: it has just started", async () => {
    holdAndForward(1);
    await advance(10_100);
    expect(world.count("activation.failed")).toBe(1);
    world.isBackendUp = true;
    const outcomes = holdAndForward(5);
    await advance(30);
    expect(released(outcomes)).toBe(2);
  });

  test("keeps its pace when its lease lapses while requests wait for their turn", async () => {
    backend = register({ releaseConcurrency: 2, readyLeaseMs: 200 });
    const outcomes = holdAndForward(5);
    await becomeReady();
    // Slower than the lease: it lapses before it can be renewed.
    world.probeMs = 300;
    await advance(1000);
    expect(world.count("activation.started")).toBeGreaterThan(1);
    expect(released(outcomes)).toBe(2);
    await end(1);
    await advance(1000);
    expect(released(outcomes)).toBe(3);
  });

  test("keeps its pace when it answers at once after the proxy could not reach it", async () => {
    const outcomes = holdAndForward(5);
    await becomeReady();
    backend.unreachable();
    await advance(10);
    expect(backend.state).toBe("ready");
    expect(released(outcomes)).toBe(2);
  });

  test("gets that many more when it is back, not those of the time it was away too", async () => {
    backend = register({ releaseConcurrency: 2, holdTimeoutMs: 60_000 });
    const outcomes = holdAndForward(7);
    await becomeReady();
    world.isBackendUp = false;
    backend.unreachable();
    await end(2);
    await advance(12_000);
    world.isBackendUp = true;
    await advance(50);
    expect(released(outcomes)).toBe(4);
  });

  test.each([
    ["while it starts", 2],
    ["while requests wait for their turn", 2],
  ])("keeps its pace when its settings change %s", async (when, expected) => {
    const outcomes = holdAndForward(5);
    if (when !== "while it starts") await becomeReady();
    const upstream = "http://elsewhere";
    activator.register({ ...defaults, releaseConcurrency: 2, upstream }, { key: "route", seq: 2 });
    await becomeReady();
    expect(released(outcomes)).toBe(expected);
    await end(2);
    expect(released(outcomes)).toBe(4);
  });

  test("is probed at its new address for requests that wait for their turn", async () => {
    const urls: string[] = [];
    activator = new Activator({
      publishWake: world.publishWake,
      observe: world.observe,
      probe: (asked) => (urls.push(asked.url), world.probe(asked)),
    });
    backend = register({ releaseConcurrency: 2 });
    holdAndForward(5);
    await becomeReady();
    urls.length = 0;
    activator.register(
      { ...defaults, releaseConcurrency: 2, upstream: "http://moved" },
      { key: "route", seq: 2 },
    );
    await advance(10);
    expect(urls).toEqual(["http://moved/healthz"]);
  });

  test("does not count requests that were in flight before", async () => {
    for (let request = 0; request < 10; request += 1) inFlight.push(backend.begin());
    const outcomes = holdAndForward(3);
    await becomeReady();
    expect(released(outcomes)).toBe(2);
    await end(10);
    expect(released(outcomes)).toBe(3);
  });
});

describe("a cold backend", () => {
  test("lets nothing pass", () => {
    expect(backend.admit()).toBe(false);
  });

  test("is activated once for all requests", async () => {
    const outcomes = Array.from({ length: 50 }, () => hold());
    await advance(100);
    expect(world.count("activation.started")).toBe(1);
    expect(world.messages).toEqual([expect.objectContaining({ backend: "demo", reason: "activation" })]);
    expect(backend.demand).toEqual({ held: 50, inFlight: 0 });

    world.isBackendUp = true;
    await advance(25);
    expect(outcomes.map(({ state }) => state)).toEqual(Array(50).fill("released"));
    expect(backend.demand.held).toBe(0);
  });

  test("is probed at the interval, four probes at a time when answers are slow", async () => {
    hold();
    await advance(99);
    expect(world.probes).toBe(5);
    world.probeMs = 500;
    await advance(499);
    expect(world.probes).toBe(5 + 4);
  });

  test("is woken again as long as a request is held", async () => {
    hold();
    await advance(9900);
    expect(world.messages.map(({ reason }) => reason)).toEqual(["activation", "repeat"]);
  });

  test("is no longer woken once every client has left", async () => {
    const client = new AbortController();
    const outcome = hold({ signal: client.signal });
    await advance(100);
    client.abort(new Error("left"));
    await advance(9000);
    expect(outcome).toMatchObject({ state: "refused", error: new Error("left") });
    expect(world.messages).toHaveLength(1);
  });

  test("keeps starting for the others when the first client leaves", async () => {
    const client = new AbortController();
    hold({ signal: client.signal });
    const other = hold();
    await advance(50);
    client.abort(new Error("left"));
    world.isBackendUp = true;
    await advance(50);
    expect(other.state).toBe("released");
    expect(world.count("activation.started")).toBe(1);
  });

  test("answers each request at its own deadline", async () => {
    const first = hold();
    await advance(5000);
    const second = hold();
    await advance(5020);
    expect(first).toMatchObject({ state: "refused", error: { code: "HOLD_TIMEOUT" } });
    expect(second.state).toBe("held");
    await advance(5000);
    expect(second.state).toBe("refused");
  });

  test("is cold again when it does not become ready in time", async () => {
    hold();
    await advance(11_000);
    expect(world.count("activation.failed")).toBe(1);
    expect(backend.state).toBe("cold");
    expect(backend.demand).toEqual({ held: 0, inFlight: 0 });
  });

  test("is woken by a publish that is retried until it succeeds, while probing goes on", async () => {
    world.publishError = new Error("sidecar down");
    const outcome = hold();
    await advance(1000);
    expect(world.count("wake.failed")).toBeGreaterThan(2);
    expect(world.probes).toBeGreaterThan(40);
    world.publishError = undefined;
    await advance(2000);
    expect(world.count("wake.published")).toBe(1);
    world.isBackendUp = true;
    await advance(50);
    expect(outcome.state).toBe("released");
  });

  test("releases requests although the publish has not ended", async () => {
    world.publishMs = 900;
    const outcome = hold();
    world.isBackendUp = true;
    await advance(50);
    expect(outcome.state).toBe("released");
  });

  test("is not confused by a clock that jumps", async () => {
    const outcome = hold();
    await advance(100);
    vi.setSystemTime(Date.now() + 86_400_000);
    await advance(100);
    expect(outcome.state).toBe("held");
    vi.setSystemTime(0);
    world.isBackendUp = true;
    await advance(50);
    expect(outcome.state).toBe("released");
    expect(backend.admit()).toBe(true);
  });

  test("holds no more requests than it may", async () => {
    const small = register({ name: "small", maxHeldPerBackend: 2 });
    hold({ of: small });
    hold({ of: small });
    const third = hold({ of: small });
    await advance(1);
    expect(third).toMatchObject({ state: "refused", error: { code: "HELD_LIMIT_REACHED" } });
  });

  test("holds no more requests than the process may", async () => {
    hold({ of: register({ name: "other" }), limits: { ...limits, maxHeldTotal: 1 } });
    const second = hold({ limits: { ...limits, maxHeldTotal: 1 } });
    await advance(1);
    expect(second).toMatchObject({ state: "refused", error: { code: "HELD_LIMIT_REACHED" } });
  });

  test("leaves room for another one, however many others are flooded", async () => {
    const total = { limits: { ...limits, maxHeldTotal: 12 } };
    const outcomes = ["a", "b", "c", "d"].map((name) => {
      const of = register({ name });
      return Array.from({ length: 12 }, () => hold({ of, ...total }));
    });
    await advance(1);
    const heldOf = outcomes.map((all) => all.filter(({ state }) => state === "held").length);
    expect(heldOf).toEqual([6, 3, 2, 1]);
  });

  test("is not woken beyond the gateway's number of activations at once", async () => {
    const one = { limits: { ...limits, maxActivations: 1 } };
    const first = hold(one);
    const joined = hold(one);
    const other = register({ name: "other" });
    const refused = hold({ of: other, ...one });
    await advance(1);
    expect([first.state, joined.state]).toEqual(["held", "held"]);
    expect(refused).toMatchObject({ state: "refused", error: { code: "ACTIVATION_LIMIT_REACHED" } });
    world.isBackendUp = true;
    await advance(50);
    const later = hold({ of: other, ...one });
    await advance(50);
    expect(later.state).toBe("released");
  });

  test("is asked again beyond that number when it was woken a moment ago: nothing more is woken", async () => {
    const one = { limits: { ...limits, maxActivations: 1 } };
    world.isBackendUp = true;
    hold(one);
    await advance(50);
    world.isBackendUp = false;
    hold({ of: register({ name: "other" }), ...one });
    backend.unreachable();
    const again = hold(one);
    await advance(50);
    expect(again.state).toBe("held");
    world.isBackendUp = true;
    await advance(50);
    expect(again.state).toBe("released");
  });

  test("holds no more requests of one client than allowed, and forgets those that have ended", async () => {
    const two = { limits: { ...limits, maxHeldPerClient: 2 } };
    const holdFor = (client: string) => hold({ client, ...two });
    const outcomes = [holdFor("a"), holdFor("a"), holdFor("a"), holdFor("b"), hold()];
    await advance(1);
    expect(outcomes.map(({ state }) => state)).toEqual(["held", "held", "refused", "held", "held"]);
    expect(outcomes[2]).toMatchObject({ error: { code: "CLIENT_LIMIT_REACHED" } });
    world.isBackendUp = true;
    await advance(50);
    backend.unreachable();
    const again = holdFor("a");
    await advance(0);
    expect(again.state).toBe("held");
  });

  test("is not woken by a client that has woken too many within a minute", async () => {
    const of = (name: string) => ({
      of: register({ name }),
      client: "a",
      limits: { ...limits, maxColdStartsPerClient: 2 },
    });
    const outcomes = ["one", "one", "two", "three"].map((name) => hold(of(name)));
    await advance(1);
    expect(outcomes.map(({ state }) => state)).toEqual(["held", "held", "held", "refused"]);
    hold({ of: register({ name: "three" }) });
    const joining = hold(of("three"));
    await advance(60_000);
    expect(joining).toMatchObject({ error: { code: "HOLD_TIMEOUT" } });
    const later = hold(of("four"));
    await advance(1);
    expect(later.state).toBe("held");
  });

  test("is not activated for a client that has left already", async () => {
    const outcome = hold({ signal: AbortSignal.abort(new Error("left")) });
    await advance(1);
    expect(outcome.state).toBe("refused");
    expect(world.probes).toBe(0);
  });
});

test("a backend whose settings change while it starts gets its requests, and is then probed again", async () => {
  const outcome = hold();
  await advance(50);
  activator.register({ ...defaults, upstream: "http://elsewhere" }, { key: "route", seq: 2 });
  world.isBackendUp = true;
  await advance(50);
  expect(outcome.state).toBe("released");
  expect(backend.admit()).toBe(false);
});

test("a backend whose wrong address is corrected while requests keep coming is probed at the new one", async () => {
  activator = new Activator({
    publishWake: world.publishWake,
    observe: world.observe,
    probe: async ({ url: probed }) => ({ isReady: probed === "http://mended/healthz", durationMs: 0 }),
  });
  backend = register();
  const early = hold();
  await advance(5000);
  activator.register({ ...defaults, upstream: "http://mended" }, { key: "route", seq: 2 });
  const late = hold();
  await advance(50);
  expect([early.state, late.state]).toEqual(["released", "released"]);
  expect(backend.admit()).toBe(true);
});

test("a backend whose topic changes is woken through the new one at once", async () => {
  await makeReady();
  const wake = { pubsub: "pubsub", topic: "wake-moved" };
  activator.register({ ...defaults, wake }, { key: "route", seq: 2 });
  world.isBackendUp = false;
  hold();
  await advance(50);
  expect(world.messages.map(({ topic }) => topic)).toEqual(["wake-demo", "wake-moved"]);
});

test("a request that comes in the turn in which an activation is given up is not lost", async () => {
  const late: ReturnType<typeof hold>[] = [];
  const onGivenUp = () => {
    if (world.isBackendUp) return;
    world.isBackendUp = true;
    void Promise.resolve().then(() => late.push(hold()));
  };
  const probe: World["probe"] = (asked, signal) => {
    signal?.addEventListener("abort", onGivenUp);
    return world.probe(asked, signal);
  };
  world.probeMs = 500;
  activator = new Activator({ probe, publishWake: world.publishWake, observe: world.observe });
  backend = register();
  hold();
  await advance(10_600);
  expect(late).toMatchObject([{ state: "released" }]);
});

describe("a ready backend", () => {
  beforeEach(makeReady);

  test("lets requests pass without a probe and without a message", () => {
    const probes = world.probes;
    const messages = world.messages.length;
    for (let index = 0; index < 200; index += 1) expect(backend.admit()).toBe(true);
    expect(world.probes).toBe(probes);
    expect(world.messages).toHaveLength(messages);
  });

  test("stays ready under traffic, by a probe in the background each second", async () => {
    const probes = world.probes;
    for (let elapsed = 0; elapsed < 60_000; elapsed += 100) {
      backend.ended(forward());
      await advance(100);
    }
    expect(world.probes - probes).toBeGreaterThan(40);
    expect(world.probes - probes).toBeLessThan(70);
  });

  test("is kept warm under traffic, at most every 20 s", async () => {
    for (let elapsed = 0; elapsed < 62_000; elapsed += 100) {
      backend.ended(forward());
      await advance(100);
    }
    expect(world.messages.filter(({ reason }) => reason === "keep-warm")).toHaveLength(3);
  });

  test("is kept warm by a single request as long as that is in flight", async () => {
    const request = forward();
    await advance(62_000);
    expect(world.messages.filter(({ reason }) => reason === "keep-warm")).toHaveLength(3);
    backend.ended(request);
    await advance(60_000);
    expect(world.messages.filter(({ reason }) => reason === "keep-warm")).toHaveLength(3);
  });

  test("does nothing at all without traffic", async () => {
    await advance(3000);
    const probes = world.probes;
    await advance(600_000);
    expect(world.probes).toBe(probes);
    expect(vi.getTimerCount()).toBe(0);
  });

  test("says how long it still counts as ready", async () => {
    await advance(10_000);
    expect(backend.leaseLeftMs).toBe(0);
    hold();
    await advance(5);
    const leftMs = backend.leaseLeftMs;
    expect(leftMs).toBeGreaterThan(0);
    await advance(100);
    expect(backend.leaseLeftMs).toBe(leftMs - 100);
  });

  test("holds the first request after a pause for one probe, without a wake message", async () => {
    await advance(10_000);
    expect(backend.state).toBe("cold");
    const messages = world.messages.length;
    expect(backend.admit()).toBe(false);
    const outcome = hold();
    await advance(5);
    expect(outcome.state).toBe("released");
    await advance(100);
    expect(world.messages).toHaveLength(messages);
  });

  test("holds requests again when a probe under traffic finds it gone", async () => {
    world.isBackendUp = false;
    for (let elapsed = 0; elapsed < 2100; elapsed += 100) {
      backend.admit();
      await advance(100);
    }
    expect(world.count("lease.lost")).toBe(1);
    expect(backend.admit()).toBe(false);
    const outcome = hold();
    await advance(500);
    expect(outcome.state).toBe("held");
    world.isBackendUp = true;
    await advance(50);
    expect(outcome.state).toBe("released");
  });

  test("holds requests again as soon as the proxy could not reach it", () => {
    expect(backend.admit()).toBe(true);
    backend.unreachable();
    expect(backend.admit()).toBe(false);
  });

  test("is probed again when its settings change", () => {
    activator.register({ ...defaults, upstream: "http://elsewhere" }, { key: "route", seq: 2 });
    expect(backend.admit()).toBe(false);
  });

  test("tells a refused client to come back after as long as its starts took", async () => {
    backend.unreachable();
    world.isBackendUp = false;
    hold();
    await advance(3000);
    world.isBackendUp = true;
    await advance(50);
    expect(Math.round(backend.retryAfterMs / 1000)).toBe(3);
  });
});

describe("a backend that answers at once after a pause, and may just have been scaled to zero", () => {
  beforeEach(async () => {
    await makeReady();
    await advance(130_000);
  });

  test("is probed again for later requests, so that none meets a pod that has stopped", async () => {
    const outcomes = [hold()];
    await advance(25);
    for (let elapsed = 0; elapsed < 4000; elapsed += 100) {
      expect(backend.state).toBe("ready");
      expect(backend.admit()).toBe(false);
      outcomes.push(hold());
      await advance(100);
    }
    expect(released(outcomes)).toBe(41);
    expect(world.count("activation.started")).toBe(2);
    world.isBackendUp = false;
    const next = hold();
    await advance(200);
    expect(next.state).toBe("held");
    expect(backend.state).toBe("activating");
    world.isBackendUp = true;
    await advance(25);
    expect(next.state).toBe("released");
    await advance(1000);
    expect(backend.admit()).toBe(true);
  });

  test("is probed again even if its first answer was late", async () => {
    world.probeMs = 50;
    hold();
    await advance(60);
    world.probeMs = 1;
    await advance(100);
    expect(backend.state).toBe("ready");
    expect(backend.admit()).toBe(false);
  });

  test("stays suspect when no request comes for a moment", async () => {
    hold();
    await advance(5000);
    hold();
    await advance(50);
    expect(backend.state).toBe("ready");
    expect(backend.admit()).toBe(false);
  });

  test("lets requests pass between two probes, so that heavy traffic costs few", async () => {
    hold();
    await advance(2);
    const { probes } = world;
    for (let elapsed = 0; elapsed < 1000; elapsed += 1) {
      if (!backend.admit()) hold();
      await advance(1);
    }
    expect(world.probes - probes).toBeLessThan(60);
  });

  test("gets a whole lease once its pods can no longer be stopping", async () => {
    for (let elapsed = 0; elapsed < 11_000; elapsed += 100) {
      if (!backend.admit()) hold();
      await advance(100);
    }
    expect(backend.admit()).toBe(true);
    expect(backend.leaseLeftMs).toBeGreaterThan(900);
  });
});

describe("in-flight requests", () => {
  beforeEach(makeReady);

  test("end once, however often their end is reported", () => {
    const [first, second] = [forward(), forward()];
    backend.ended(first);
    backend.ended(first);
    expect(backend.demand.inFlight).toBe(1);
    backend.ended(second);
    expect(backend.demand.inFlight).toBe(0);
  });

  test("are assumed for a while after a restart, once one ends that was never counted", async () => {
    await advance(60_000);
    const messages = world.messages.length;
    backend.strayEnded();
    await advance(120_000);
    expect(world.messages.length).toBeGreaterThan(messages + 3);
    await advance(600_000);
    expect(vi.getTimerCount()).toBe(0);
  });

  test("are each written off an hour after they began, whatever traffic there is", async () => {
    for (let leaked = 0; leaked < 150; leaked += 1) forward();
    await advance(1_000_000);
    const long = backend.begin();
    for (let elapsed = 0; elapsed < 2_601_000; elapsed += 1000) {
      if (backend.admit()) backend.ended(backend.begin());
      await advance(1000);
    }
    expect(backend.demand.inFlight).toBe(1);
    expect(world.events).toContainEqual({ event: "in_flight.written_off", backend: "demo", inFlight: 150 });
    backend.ended(long);
    expect(backend.demand.inFlight).toBe(0);
  });
});

describe("requests in flight that a gateway counts itself", () => {
  beforeEach(makeReady);

  test("add up over gateways, and the latest report of each is what counts", () => {
    report(5);
    report(7, 0, "b");
    report(3);
    expect(backend.demand.inFlight).toBe(10);
    const own = forward();
    expect(backend.demand.inFlight).toBe(11);
    backend.ended(own);
    report(0);
    report(0, 0, "b");
    expect(backend.demand.inFlight).toBe(0);
  });

  test("count from their release until a report must have come", async () => {
    for (let request = 0; request < 20; request += 1) backend.handOver();
    expect(backend.demand.inFlight).toBe(20);
    report(20);
    expect(backend.demand.inFlight).toBe(20);
    await advance(300);
    report(2);
    expect(backend.demand.inFlight).toBe(2);
  });

  test("keep the backend warm and, when they passed lately, its lease", async () => {
    const probes = world.probes;
    for (let elapsed = 0; elapsed < 10_000; elapsed += 200) {
      report(0, 1);
      await advance(200);
    }
    expect(backend.state).toBe("ready");
    expect(world.probes).toBeGreaterThan(probes);
    report(1);
    await advance(62_000);
    expect(world.messages.filter(({ reason }) => reason === "keep-warm")).toHaveLength(3);
    expect(backend.state).toBe("cold");
  });
});

describe("a clock that is set", () => {
  const jumps = [-86_400_000, 86_400_000];

  test.each(jumps)("by %i ms ends no hold, and no lease", async (jumpMs) => {
    const outcome = hold();
    await advance(5000);
    vi.setSystemTime(Date.now() + jumpMs);
    await advance(4000);
    expect(outcome.state).toBe("held");
    world.isBackendUp = true;
    await advance(50);
    expect(outcome.state).toBe("released");
    vi.setSystemTime(Date.now() + jumpMs);
    expect(backend.admit()).toBe(true);
    await advance(2500);
    expect(world.messages.map(({ reason }) => reason)).toEqual(["activation", "repeat"]);
  });
});

describe("a backend without a readiness path", () => {
  test("is woken, and its requests pass at once", async () => {
    const { health: _, ...withoutHealth } = defaults;
    const quick = activator.register({ ...withoutHealth, name: "quick" }, { key: "q", seq: 1 }).backend;
    expect(quick.admit()).toBe(true);
    expect(world.messages).toHaveLength(0);
    await advance(1);
    expect(world.messages).toEqual([expect.objectContaining({ backend: "quick", reason: "activation" })]);
    for (let request = 0; request < 100; request += 1) quick.admit();
    await advance(1000);
    expect(world.messages).toHaveLength(1);
  });
});

describe("a backend without a wake message", () => {
  test("is held for, since the scaler watches the demand", async () => {
    const { wake: _, ...withoutWake } = defaults;
    const watched = activator.register({ ...withoutWake, name: "watched" }, { key: "w", seq: 1 }).backend;
    const outcome = hold({ of: watched });
    await advance(6000);
    expect(watched.demand.held).toBe(1);
    world.isBackendUp = true;
    await advance(50);
    expect(outcome.state).toBe("released");
    expect(world.messages).toHaveLength(0);
  });
});
