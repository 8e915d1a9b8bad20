import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { type Stage, useStage } from "../../apps/kong-plugin/src/testing/stage.ts";
import { ServiceProxy } from "../../apps/playground/src/network/service-proxy.ts";
import { sleep } from "../../packages/runtime/src/index.ts";
import { ControlPlane } from "./control-plane.ts";
import { findEngines } from "./engines.ts";
import { freePort } from "./free-port.ts";
import { Keda } from "./keda.ts";
import { NumberServer } from "./number-server.ts";
import { ScaleTarget } from "./scale-target.ts";

const engines = findEngines();
const minutes = 60_000;
const cooldownSeconds = 3;

describe.skipIf(engines === undefined)("on the real KEDA", { timeout: 3 * minutes }, () => {
  const openStage = useStage();
  const folder = mkdtempSync(join(tmpdir(), "engines-"));
  let cluster: ControlPlane;
  let keda: Keda;

  beforeAll(async () => {
    if (engines === undefined) return;
    cluster = await ControlPlane.start(engines, folder);
    keda = await Keda.start(engines, cluster);
  }, 5 * minutes);
  afterAll(async () => {
    await keda?.stop();
    await cluster?.stop();
    if (process.env["KEEP_LOGS"] === undefined) rmSync(folder, { recursive: true });
    else process.stderr.write(`The engines' logs: ${folder}\n`);
  }, minutes);

  /** A gateway whose plugin server is an external scaler, before a backend that sleeps. */
  async function openGateway(name: string, port: number, env: Readonly<Record<string, string>> = {}) {
    return openStage({
      env: { SCALER_HOST: "127.0.0.1", SCALER_PORT: String(port), ...env },
      config: {
        holdTimeoutMs: 30_000,
        keepWarmIntervalMs: 0,
        // Shorter than what a test waits between two starts, or the second would not be told of at once.
        wakeRepeatMs: 500,
        readyLeaseMs: 50,
        backend: [{ name, health: "/healthz", pubsub: "pubsub", topic: name }],
      },
    });
  }

  test("a push scales within 250 ms of the request, 50 times", async () => {
    const port = await freePort();
    await using stage = await openGateway("push", port);
    await using target = await ScaleTarget.create(cluster.api, "push", pushedOnly(port));
    await untilListening(stage, target);
    const waits: number[] = [];
    for (let time = 0; time < 50; time += 1) {
      await target.scaleTo(0);
      waits.push(await wake(stage, target));
    }
    waits.sort((one, other) => one - other);
    report(`request to scaled by push, 50 times: ${quantiles(waits)}`);
    expect(waits.at(24)).toBeLessThan(250);
  });

  test("a poll scales too, and quiet for the cooldown brings zero", async () => {
    await using queue = await NumberServer.start();
    await using target = await ScaleTarget.create(cluster.api, "poll", spec([queue.trigger("queue")]));
    await readyToScale(target);
    const since = now();
    queue.value = 1;
    const scaled = await target.until(1, since);
    await sleep(2_000);
    queue.value = 0;
    const quietSince = now();
    const stopped = await target.until(0, quietSince);
    report(`request to scaled by a poll of 1 s: ${ms(scaled.atMs - since)}`);
    // `lastActiveTime` has whole seconds.
    expect(stopped.atMs - quietSince).toBeGreaterThan((cooldownSeconds - 2) * 1_000);
  });

  test("a push keeps what runs from cooling down, and nothing but a poll brings zero", async () => {
    const port = await freePort();
    await using stage = await openGateway("cooling", port);
    const triggers = [pushTrigger(port)];
    await using target = await ScaleTarget.create(cluster.api, "cooling", spec(triggers));
    await untilListening(stage, target);
    await wake(stage, target);
    const quietSince = now();
    const { atMs } = await target.until(0, quietSince);
    expect(atMs - quietSince).toBeGreaterThan((cooldownSeconds - 2) * 1_000);
  });

  test("after a crash KEDA listens again within seconds, however many there were before", async () => {
    const port = await freePort();
    await using stage = await openGateway("crash", port);
    await using target = await ScaleTarget.create(cluster.api, "crash", pushedOnly(port));
    await untilListening(stage, target);
    const pauses: number[] = [];
    for (let crash = 0; crash < 4; crash += 1) {
      // Ended with OK once, and opened anew: KEDA's pause is the shortest from here on.
      await expect.poll(() => stage.count("scaler.stream_opened"), eventually).toBeGreaterThan(1);
      await target.scaleTo(0);
      stage.gateway.plugin.signal("SIGKILL");
      const brokenAtMs = now();
      await stage.gateway.plugin.exited;
      await stage.gateway.restartPlugin();
      await stage.gateway.plugin.waitFor("scaler.stream_opened", { timeoutMs: minutes });
      pauses.push(now() - brokenAtMs);
      await wake(stage, target);
    }
    report(`SIGKILL to listening again, in turn: ${pauses.map(ms).join(", ")}`);
    // Without it: 2, 4, 8 and 16 s and more.
    expect(Math.max(...pauses)).toBeLessThan(12_000);
  });

  test("of two gateways either wakes, and when one stops KEDA listens at the other", async () => {
    const ports = [await freePort(), await freePort()] as const;
    const serving = new Set(ports);
    const service = await ServiceProxy.start(() => [...serving].map((port) => ({ host: "127.0.0.1", port })));
    const env = { SCALER_PEERS: ports.map((port) => `127.0.0.1:${port}`).join(",") };
    try {
      await using one = await openGateway("two", ports[0], env);
      await using other = await openGateway("two", ports[1], env);
      await using target = await ScaleTarget.create(cluster.api, "two", pushedOnly(service.port));
      await readyToScale(target);
      const listened = () => [one, other].find((stage) => stage.count("scaler.stream_opened") > 0);
      await expect.poll(listened, { timeout: 30_000 }).toBeDefined();
      const [asked, unasked] = listened() === one ? [one, other] : [other, one];
      // Looked up again by now, should the other have started later.
      await sleep(6_000);
      await target.scaleTo(0);
      report(`through the pod that KEDA does not listen at: ${ms(await wake(unasked, target))}`);

      serving.delete(asked === one ? ports[0] : ports[1]);
      await target.scaleTo(0);
      const stoppedAtMs = now();
      asked.gateway.plugin.signal("SIGTERM");
      await unasked.gateway.plugin.waitFor("scaler.stream_opened", { timeoutMs: minutes });
      report(`SIGTERM to listening at the other: ${ms(now() - stoppedAtMs)}`);
      await wake(unasked, target);
      expect(now() - stoppedAtMs).toBeLessThan(15_000);
    } finally {
      await service.stop();
    }
  });

  test("a scaler that was not there at first is known after the first poll that finds it", async () => {
    const port = await freePort();
    await using queue = await NumberServer.start();
    const triggers = [queue.trigger("queue"), pushTrigger(port)];
    await using target = await ScaleTarget.create(cluster.api, "late", spec(triggers));
    await expect.poll(() => metricNames(target), eventually).toEqual(["s0-metric-api-value"]);
    await using stage = await openGateway("late", port);
    const thereSince = now();
    await expect.poll(() => metricNames(target), eventually).toEqual(["s0-metric-api-value", "s1-demand"]);
    report(`a new scaler's metric is known after ${ms(now() - thereSince)}`);
    await stage.gateway.plugin.waitFor("scaler.stream_opened", { timeoutMs: 2 * minutes });
    await target.scaleTo(0);
    await wake(stage, target);
  });

  test("a gateway that is there and silent stops the queue's polls too, until its connection breaks", async () => {
    const port = await freePort();
    await using stage = await openGateway("silent", port);
    await using queue = await NumberServer.start();
    const triggers = [queue.trigger("queue"), pushTrigger(port)];
    await using target = await ScaleTarget.create(cluster.api, "silent", spec(triggers));
    await untilListening(stage, target);
    stage.gateway.plugin.signal("SIGSTOP");
    await sleep(2_000);
    queue.value = 1;
    await sleep(5_000);
    expect(await target.replicas()).toBe(0);
    const since = now();
    stage.gateway.plugin.signal("SIGKILL");
    const { atMs } = await target.until(1, since);
    report(`the queue wakes after a silent gateway was killed: ${ms(atMs - since)}`);
  });

  test("while the demand cannot be read, a target without a fallback keeps what it has, and its queue wakes it", async () => {
    await using demand = await NumberServer.start();
    demand.value = undefined;
    await using queue = await NumberServer.start();
    const triggers = [queue.trigger("queue"), demand.trigger("demand", "10")];
    await using target = await ScaleTarget.create(cluster.api, "unread", spec(triggers));
    await readyToScale(target);
    const since = now();
    queue.value = 1;
    await target.until(1, since);
    await target.scaleTo(3);
    queue.value = 0;
    await sleep((cooldownSeconds + 5) * 1_000);
    expect(await target.replicas()).toBe(3);
    const readableSince = now();
    demand.value = 0;
    await target.until(0, readableSince);
  });

  test("KEDA takes a fallback for activity: it would wake a target at zero and keep it at two", async () => {
    await using demand = await NumberServer.start();
    demand.value = undefined;
    const fallback = { failureThreshold: 3, replicas: 2, behavior: "currentReplicasIfHigher" };
    const other = { fallback };
    await using target = await ScaleTarget.create(
      cluster.api,
      "fallback",
      spec([demand.trigger("demand", "10")], other),
    );
    await target.until(2);
    await sleep((cooldownSeconds + 5) * 1_000);
    expect(await target.replicas()).toBe(2);
  });
});

const eventually = { timeout: 60_000, interval: 200 };
const now = () => performance.timeOrigin + performance.now();
const ms = (value: number) => `${Math.round(value)} ms`;

function quantiles(sorted: readonly number[]): string {
  const at = (share: number) =>
    ms(sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0);
  return `p50 ${at(0.5)}, p90 ${at(0.9)}, p99 ${at(0.99)}`;
}

function report(figure: string): void {
  process.stderr.write(`On the real KEDA: ${figure}\n`);
}

async function metricNames(target: ScaleTarget): Promise<readonly string[]> {
  const { status } = await target.scaledObject();
  return (status as { externalMetricNames?: string[] } | undefined)?.externalMetricNames ?? [];
}

async function readyToScale(target: ScaleTarget): Promise<void> {
  await expect.poll(() => metricNames(target), eventually).not.toEqual([]);
}

async function untilListening(stage: Stage, target: ScaleTarget): Promise<void> {
  await stage.gateway.plugin.waitFor("scaler.stream_opened", { timeoutMs: minutes });
  await readyToScale(target);
}

/** A poll that comes in between would be taken for a push. */
const pushedOnly = (port: number) => spec([pushTrigger(port)], { pollingInterval: 600 });
const pushTrigger = (port: number) => ({
  type: "external-push",
  name: "push",
  metadata: { scalerAddress: `127.0.0.1:${port}` },
});
const spec = (triggers: readonly object[], other: object = {}) => ({
  pollingInterval: 1,
  cooldownPeriod: cooldownSeconds,
  initialCooldownPeriod: 0,
  minReplicaCount: 0,
  maxReplicaCount: 5,
  triggers,
  ...other,
});

/** From the request's arrival at the gateway until KEDA has scaled; the request is then answered. */
async function wake(stage: Stage, target: ScaleTarget): Promise<number> {
  stage.backend.become(503);
  // Longer than the ready lease.
  await sleep(100);
  const since = now();
  const answered = stage.gateway.request();
  const { atMs } = await target.until(1, since);
  stage.backend.become(200);
  expect((await answered).status).toBe(200);
  return atMs - since;
}
