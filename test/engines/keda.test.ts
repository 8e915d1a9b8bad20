import { globSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { kedaRefuses } from "../../apps/cli/src/doctor/rules/keda-refuses.ts";
import { type Stage, useStage } from "../../apps/kong-plugin/src/testing/stage.ts";
import { ServiceProxy } from "../../apps/playground/src/network/service-proxy.ts";
import { Manifests, type System, toManifest } from "../../packages/manifests/src/index.ts";
import { sleep } from "../../packages/runtime/src/index.ts";
import { findKustomize, renderAll } from "../deploy/rendering.ts";
import type { ApiObject } from "./api-client.ts";
import { ControlPlane } from "./control-plane.ts";
import { findEngines } from "./engines.ts";
import { freePort } from "./free-port.ts";
import { Keda, readDocuments } from "./keda.ts";
import { NumberServer } from "./number-server.ts";
import { deploymentOf, ScaleTarget } from "./scale-target.ts";

const engines = findEngines();
const minutes = 60_000;
const cooldownSeconds = 3;
const cron = {
  type: "cron",
  name: "cron",
  metadata: { timezone: "UTC", start: "0 1 * * *", end: "0 2 * * *", desiredReplicas: "1" },
};
const cpu = { type: "cpu", metricType: "Utilization", metadata: { value: "50" } };

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

  /** Refused whatever the rest says: each is one that the doctor tells of as KEDA_REFUSES. */
  test.for<[what: string, spec: object, says: RegExp]>([
    ["more replicas at least than at most", { minReplicaCount: 6 }, /minReplicaCount must be less/],
    [
      "an idle count that is not below the least",
      { idleReplicaCount: 2, minReplicaCount: 1 },
      /IdleReplicaCount=2/,
    ],
    ["two triggers of one name", { triggers: [cron, cron] }, /"cron" is defined multiple times/],
    ["cached metrics for cron", { triggers: [{ ...cron, useCachedMetrics: true }] }, /useCachedMetrics/],
    ["zero with a CPU trigger alone", { triggers: [cpu] }, /minReplica is 0/],
    [
      "a fallback for a CPU trigger alone",
      { minReplicaCount: 1, triggers: [cpu], fallback: { failureThreshold: 3, replicas: 2 } },
      /for the fallback to be enabled/,
    ],
    [
      "a fallback by formula without a formula",
      { fallback: { failureThreshold: 3, replicas: 2, behavior: "scalingModifiers" } },
      /requires scalingModifiers.formula/,
    ],
    [
      "a formula without a target",
      { advanced: { scalingModifiers: { formula: "cron" } } },
      /formula is given but target is empty/,
    ],
    [
      "a formula that names no trigger",
      { advanced: { scalingModifiers: { formula: "nobody + 1", target: "1" } } },
      /error validating formula/,
    ],
  ])("KEDA refuses %s, as the doctor says", async ([, other, says]) => {
    const object = scaledObjectOf({ ...spec([cron]), ...other });
    await cluster.api.apply({ apiVersion: "v1", kind: "Namespace", metadata: { name: "refused" } });
    await cluster.api.apply(deploymentOf("refused", 0));
    await expect(cluster.api.apply(object)).rejects.toThrow(says);
    const manifests = new Manifests([toManifest(object, [])].flatMap((manifest) => manifest ?? []));
    expect([...kedaRefuses.check({ manifests } as System)]).not.toEqual([]);
  });

  const kustomize = engines && findKustomize();
  const definitions = process.env["CRD_SCHEMAS"];
  test.skipIf(kustomize === undefined || definitions === undefined)(
    "everything that is shipped is accepted by the API server, strictly, and by KEDA's webhook",
    async () => {
      for (const file of globSync("{dapr,kong,prometheus}-*/*.yaml", { cwd: definitions ?? "" })) {
        for (const object of readDocuments(join(definitions ?? "", file))) await cluster.api.apply(object);
      }
      for (const name of ["kong", "kong-serverless"]) {
        await cluster.api.apply({ apiVersion: "v1", kind: "Namespace", metadata: { name } });
      }
      let applied = 0;
      for (const [rendering, objects] of renderAll(kustomize ?? [])) {
        for (const object of objects) {
          const isNew = async () =>
            cluster.api
              .apply(object, { isDryRun: true })
              .catch((error: Error) => `${rendering}: ${error.message}`);
          // A definition takes a moment to be served.
          await expect.poll(isNew, { timeout: 20_000 }).toMatchObject({ kind: object.kind });
          applied += 1;
        }
      }
      report(`${applied} objects of every rendering are accepted`);
    },
  );

  test("a push scales without waiting for a poll: of 50 starts, half within 250 ms of their requests", async () => {
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
    // Without it at least 16 s the fourth time. An attempt that comes before the plugin server is back costs the next pause.
    expect(pauses.at(-1)).toBeLessThan(15_000);
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

  test("pushes of a scaler that was not there at first are dropped, until the ScaledObject changes", async () => {
    const port = await freePort();
    await using queue = await NumberServer.start();
    const triggers = [queue.trigger("queue"), pushTrigger(port)];
    const slow = { pollingInterval: 600 };
    await using target = await ScaleTarget.create(cluster.api, "dropped", spec(triggers, slow));
    await expect.poll(() => metricNames(target), eventually).toEqual(["s0-metric-api-value"]);
    await using stage = await openGateway("dropped", port);
    await stage.gateway.plugin.waitFor("scaler.stream_opened", { timeoutMs: 2 * minutes });
    const held = stage.gateway.request();
    await stage.gateway.plugin.waitFor("wake.started");
    await sleep(2_000);
    expect(await target.replicas()).toBe(0);
    await cluster.api.patch(target.path, { spec: { cooldownPeriod: cooldownSeconds + 1 } });
    await expect.poll(() => target.replicas(), eventually).toBe(1);
    stage.backend.become(200);
    expect((await held).status).toBe(200);
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

function scaledObjectOf(own: object): ApiObject {
  return {
    apiVersion: "keda.sh/v1alpha1",
    kind: "ScaledObject",
    metadata: { name: "refused", namespace: "refused" },
    spec: { scaleTargetRef: { name: "refused" }, ...own },
  };
}
