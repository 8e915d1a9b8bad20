import type { ProbeResult, ProbeTarget } from "@kong-serverless/health-poller";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";

import type { BackendPod } from "./activator-deps.ts";
import { Activator } from "./activator.ts";
import type { Backend, HoldResult } from "./backend.ts";
import { advance, limits, settings, url, World } from "./testing/world.ts";

const passing = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** A world in which pods answer before their Service does. */
class WorldOfPods extends World {
  pods: readonly string[] = [];
  readonly readyPods = new Set<string>();
  podProbes = 0;
  podProbeMs = 1;

  readonly podsOf = (service: ProbeTarget): readonly BackendPod[] =>
    this.pods.map((host) => ({
      address: { host, port: 8080 },
      target: { ...service, url: `http://${host}:8080/healthz` },
    }));

  override readonly probe = async ({ url: probed }: ProbeTarget): Promise<ProbeResult> => {
    if (probed === url) {
      this.probes += 1;
      await passing(this.probeMs);
      return { isReady: this.isBackendUp, durationMs: this.probeMs };
    }
    this.podProbes += 1;
    await passing(this.podProbeMs);
    return { isReady: this.readyPods.has(new URL(probed).hostname), durationMs: this.podProbeMs };
  };
}

let world: WorldOfPods;
let backend: Backend;

beforeEach(() => {
  vi.useFakeTimers();
  world = new WorldOfPods();
  ({ backend } = new Activator(world).register(settings, { key: "route", seq: 1 }));
});
afterEach(() => vi.useRealTimers());

const hold = (): Promise<HoldResult> =>
  backend.hold({ url, arrivedAtMs: performance.now(), timeoutMs: 10_000, limits });
const pod = { host: "10.0.0.1", port: 8080 };

describe("pods that are probed directly", () => {
  test("get nothing before what the backend waits for is ready", async () => {
    const activator = new Activator(world);
    const chained = { ...settings, waitFor: ["store"] };
    ({ backend } = activator.register(chained, { key: "route", seq: 1 }));
    const store = { ...settings, name: "store", upstream: "http://store" };
    activator.register(store, { key: "store", seq: 1 });
    const held = hold();
    world.pods = ["10.0.0.1"];
    world.readyPods.add("10.0.0.1");
    await advance(500);
    expect(backend.demand.held).toBe(1);
    world.readyPods.add("store");
    await advance(60);
    expect(await held).toMatchObject({ pod });
  });

  test("get held and new requests as soon as one answers, until the Service leads to it", async () => {
    const first = hold();
    await advance(200);
    world.pods = ["10.0.0.1"];
    await advance(200);
    world.readyPods.add("10.0.0.1");
    await advance(40);
    expect(await first).toMatchObject({ pod });
    expect(await hold()).toMatchObject({ pod });
    expect(backend.state).toBe("activating");
    expect(backend.admit()).toBe(false);
    world.isBackendUp = true;
    await advance(40);
    expect(backend.state).toBe("ready");
    expect(backend.admit()).toBe(true);
    expect((await hold()).pod).toBeUndefined();
    expect(world.count("activation.pod_answered")).toBe(1);
    expect(world.count("activation.ready")).toBe(1);
  });

  test("are left alone if the Service answers at once: it balances between them", async () => {
    world.pods = ["10.0.0.1"];
    world.readyPods.add("10.0.0.1");
    world.isBackendUp = true;
    const held = hold();
    await advance(10);
    expect((await held).pod).toBeUndefined();
    expect(world.podProbes).toBe(0);
  });

  test("are left alone if the readiness URL is not that of the Service that requests go to", async () => {
    const upstream = "http://demo";
    const other = new Activator(world).register({ ...settings, upstream }, { key: "route", seq: 1 });
    world.pods = ["10.0.0.1"];
    const request = { url, arrivedAtMs: performance.now(), timeoutMs: 1000, limits };
    const held = other.backend.hold(request).catch((error: unknown) => error);
    await advance(1100);
    expect(await held).toMatchObject({ code: "HOLD_TIMEOUT" });
    expect(world.podProbes).toBe(0);
  });

  test("get nothing more once the proxy could not reach them", async () => {
    world.pods = ["10.0.0.1"];
    world.readyPods.add("10.0.0.1");
    const first = hold();
    await advance(40);
    await first;
    world.readyPods.clear();
    backend.unreachable();
    let isReleased = false;
    const second = hold().then((held) => ((isReleased = true), held));
    await advance(500);
    expect(isReleased).toBe(false);
    world.pods = ["10.0.0.2"];
    world.readyPods.add("10.0.0.2");
    await advance(40);
    expect(await second).toMatchObject({ pod: { host: "10.0.0.2" } });
  });

  test("get as many at once as one replica takes, also when the proxy missed one of them and when the Service leads there", async () => {
    const paced = { ...settings, releaseConcurrency: 2 };
    ({ backend } = new Activator(world).register(paced, { key: "route", seq: 1 }));
    let forwarded = 0;
    const holdAndForward = () => void hold().then(() => ((forwarded += 1), backend.begin()));
    world.pods = ["10.0.0.1"];
    world.readyPods.add("10.0.0.1");
    for (let request = 0; request < 2; request += 1) holdAndForward();
    await advance(40);
    expect(forwarded).toBe(2);
    backend.unreachable();
    for (let request = 0; request < 3; request += 1) holdAndForward();
    await advance(100);
    expect(forwarded).toBe(2);
    world.isBackendUp = true;
    await advance(100);
    expect(backend.state).toBe("ready");
    expect(forwarded).toBe(2);
  });

  test("get requests no longer than an answer counts, once they stop answering", async () => {
    world.pods = ["10.0.0.1"];
    world.readyPods.add("10.0.0.1");
    const first = hold();
    await advance(40);
    await first;
    world.pods = [];
    await advance(settings.readyLeaseMs + 50);
    let isReleased = false;
    const second = hold().then((held) => ((isReleased = true), held));
    await advance(100);
    expect(isReleased).toBe(false);
    world.isBackendUp = true;
    await advance(40);
    expect((await second).pod).toBeUndefined();
  });

  test("that hang are not probed again meanwhile, and delay nothing", async () => {
    world.pods = ["10.0.0.1"];
    world.podProbeMs = 1000;
    void hold();
    await advance(900);
    expect(world.podProbes).toBe(1);
    world.isBackendUp = true;
    await advance(40);
    expect(backend.state).toBe("ready");
  });

  test("keep their backend awake while they serve before their Service does", async () => {
    world.pods = ["10.0.0.1"];
    world.readyPods.add("10.0.0.1");
    const first = hold();
    await advance(40);
    await first;
    await advance(settings.wakeRepeatMs * 1.5);
    expect(world.messages.map(({ reason }) => reason)).toEqual(["activation", "repeat"]);
  });
});
