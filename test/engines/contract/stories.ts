import { describe, expect, test, vi } from "vitest";

import { type TestSystem, useTestSystem } from "../../../apps/kong-plugin/src/testing/test-system.ts";
import { ServiceProxy } from "../../../apps/playground/src/network/service-proxy.ts";
import { ScriptedScaler } from "../../../packages/keda-scaler/src/testing/index.ts";
import { freePort, sleep } from "../../../packages/runtime/src/index.ts";
import { NumberServer } from "../number-server.ts";
import type { ScaledWorkload, Scaling } from "./scaling.ts";

export interface StoryOptions {
  /** The name of what scales, for figures. */
  readonly who: string;
  readonly scaling: () => Scaling;
  /** How often a push is timed, and the limit for the median; undefined: not measured. */
  readonly pushes: number;
  readonly halfWithinMs?: number;
  /** How often a plugin server crashes. */
  readonly crashes: number;
  /** Whether the stories run concurrently, which makes their figures unreliable. */
  readonly isConcurrent: boolean;
}

const minutes = 60_000;
const cooldownSeconds = 3;
/** `lastActiveTime` has whole seconds. */
const leastCooldownMs = (cooldownSeconds - 2) * 1_000;
const cooledDownMs = (cooldownSeconds + 5) * 1_000;

/**
 * What this system relies on in an autoscaler. The same tests run on the real KEDA and on the playground's autoscaler,
 * which keeps the playground honest.
 */
export function tellStories({
  who,
  scaling,
  pushes,
  halfWithinMs = Infinity,
  crashes,
  isConcurrent,
}: StoryOptions): void {
  const report = (figure: string) => process.stderr.write(`${who}: ${figure}\n`);
  const scale = (name: string, spec: object, replicas?: number) => scaling().scale({ name, spec }, replicas);

  describe(
    `${who} scales as this system relies on`,
    { timeout: 3 * minutes, concurrent: isConcurrent },
    () => {
      const startSystem = useTestSystem();

      /** A gateway whose plugin server is an external scaler, in front of a sleeping backend. */
      async function openGateway(name: string, port: number, env: Readonly<Record<string, string>> = {}) {
        return startSystem({
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

      test("a push scales without waiting for a poll", async () => {
        const port = await freePort();
        await using stage = await openGateway("push", port);
        await using target = await scale("push", pushedOnly(port));
        await untilListening(stage, target);
        const waits: number[] = [];
        for (let time = 0; time < pushes; time += 1) {
          await target.scaleTo(0);
          waits.push(await wake(stage, target));
          // KEDA reconnects 2 s after the first wake, well within the cooldown.
          await vi.waitUntil(() => stage.count("scaler.stream_opened") > 1, eventually);
        }
        waits.sort((one, other) => one - other);
        report(`held to scaled by push, ${pushes} times: ${quantiles(waits)}`);
        expect(waits.at(Math.ceil(pushes / 2) - 1)).toBeLessThan(halfWithinMs);
      });

      test("a poll scales too, and a quiet cooldown scales to zero", async () => {
        await using queue = await NumberServer.start();
        await using target = await scale("poll", specOf([queue.trigger("queue")]));
        await target.ready();
        const since = now();
        queue.value = 1;
        const scaled = await target.until(1, since);
        await sleep(2_000);
        queue.value = 0;
        const quietSince = now();
        const stopped = await target.until(0, quietSince);
        report(`seen by a poll of 1 s: ${ms(scaled.atMs - since)}`);
        expect(stopped.atMs - quietSince).toBeGreaterThan(leastCooldownMs);
      });

      test("a workload that runs before its ScaledObject, and was never active, goes to zero at once", async () => {
        await using queue = await NumberServer.start();
        await using target = await scale(
          "fresh",
          { ...specOf([queue.trigger("queue")]), cooldownPeriod: 600 },
          2,
        );
        expect((await target.until(0)).replicas).toBe(0);
      });

      test("from one to many, the replicas are the metric divided by the target, up to the maximum", async () => {
        await using queue = await NumberServer.start();
        await using target = await scale("many", specOf([queue.trigger("queue", "10")]));
        queue.value = 25;
        await target.until(3);
        queue.value = 1_000;
        expect((await target.until(5)).replicas).toBe(5);
      });

      test("a push restarts the cooldown, and only a poll scales to zero", async () => {
        const port = await freePort();
        await using stage = await openGateway("cooling", port);
        await using target = await scale("cooling", specOf([pushTrigger(port)]));
        await untilListening(stage, target);
        await wake(stage, target);
        const quietSince = now();
        const { atMs } = await target.until(0, quietSince);
        expect(atMs - quietSince).toBeGreaterThan(leastCooldownMs);
      });

      test("`true` above zero replicas restarts the cooldown, and `false` changes nothing", async () => {
        await using scaler = await ScriptedScaler.start();
        await using target = await scale("said", specOf([pushTrigger(scaler.port)]));
        await target.ready();
        await vi.waitUntil(() => scaler.streams === 1, eventually);
        scaler.push(false);
        await sleep(1_000);
        expect(await target.replicas()).toBe(0);
        scaler.push(true);
        await target.until(1);
        const wokenAt = now();
        while (now() - wokenAt < cooledDownMs) {
          await sleep(500);
          scaler.push(true);
          scaler.push(false);
        }
        expect(await target.replicas()).toBe(1);
        const quietSince = now();
        scaler.push(false);
        const { atMs } = await target.until(0, quietSince);
        expect(atMs - quietSince).toBeGreaterThan(leastCooldownMs);
      });

      test("after a crash pushes work again within seconds, however many crashes there were", async () => {
        const port = await freePort();
        await using stage = await openGateway("crash", port);
        await using target = await scale("crash", pushedOnly(port));
        await untilListening(stage, target);
        const pauses: number[] = [];
        await wake(stage, target);
        for (let crash = 0; crash < crashes; crash += 1) {
          // The first stream ended with OK after the wake, which resets KEDA's pause.
          await vi.waitUntil(() => stage.count("scaler.stream_opened") > 1, eventually);
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
        // Otherwise the fourth time would take at least 16 s. An attempt before the plugin server is back costs the
        // next pause.
        expect(pauses.at(-1)).toBeLessThan(15_000);
      });

      test("either of two gateways wakes, and when one stops KEDA listens to the other", async () => {
        const ports = [await freePort(), await freePort()] as const;
        const serving = new Set(ports);
        const service = await ServiceProxy.start(() =>
          [...serving].map((port) => ({ host: "127.0.0.1", port })),
        );
        const env = { SCALER_PEERS: ports.map((port) => `127.0.0.1:${port}`).join(",") };
        try {
          await using one = await openGateway("two", ports[0], env);
          await using other = await openGateway("two", ports[1], env);
          await using target = await scale("two", pushedOnly(service.port));
          await target.ready();
          const listened = () => [one, other].find((stage) => stage.count("scaler.stream_opened") > 0);
          await vi.waitUntil(listened, eventually);
          const [asked, unasked] = listened() === one ? [one, other] : [other, one];
          // Looked up again by now, should the other have started later.
          await sleep(6_000);
          await target.scaleTo(0);
          report(`through the gateway that is not listened to: ${ms(await wake(unasked, target))}`);

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

      test("a connected but silent gateway also blocks the queue's polls, until its connection breaks", async () => {
        const port = await freePort();
        await using stage = await openGateway("silent", port);
        await using queue = await NumberServer.start();
        await using target = await scale("silent", specOf([queue.trigger("queue"), pushTrigger(port)]));
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

      test("while one trigger cannot be read, nothing scales down without a fallback, and the other trigger still wakes", async () => {
        await using demand = await NumberServer.start();
        demand.value = undefined;
        await using queue = await NumberServer.start();
        const triggers = [queue.trigger("queue"), demand.trigger("demand", "10")];
        await using target = await scale("unread", specOf(triggers));
        await target.ready();
        const since = now();
        queue.value = 1;
        await target.until(1, since);
        await target.scaleTo(3);
        queue.value = 0;
        await sleep(cooledDownMs);
        expect(await target.replicas()).toBe(3);
        const readableSince = now();
        demand.value = 0;
        await target.until(0, readableSince);
      });

      test("a missing scaler counts as a trigger that cannot be read", async () => {
        const port = await freePort();
        await using queue = await NumberServer.start();
        queue.value = 1;
        await using target = await scale("absent", specOf([queue.trigger("queue"), pushTrigger(port)]));
        await target.until(1);
        queue.value = 0;
        await sleep(cooledDownMs);
        expect(await target.replicas()).toBe(1);
      });

      test("a fallback counts as activity: it would wake a target at zero and keep it at two", async () => {
        await using demand = await NumberServer.start();
        demand.value = undefined;
        const fallback = { failureThreshold: 3, replicas: 2, behavior: "currentReplicasIfHigher" };
        await using target = await scale("fallback", specOf([demand.trigger("demand", "10")], { fallback }));
        await target.until(2);
        await sleep(cooledDownMs);
        expect(await target.replicas()).toBe(2);
      });

      test("a pause leaves everything unchanged, or sets the replicas that it names", async () => {
        await using queue = await NumberServer.start();
        queue.value = 1;
        await using scaler = await ScriptedScaler.start();
        const spec = specOf([queue.trigger("queue"), pushTrigger(scaler.port)]);
        const pausedBy = (name: string, annotation: string, value: string, replicas?: number) =>
          scaling().scale(
            { name, annotations: { [`autoscaling.keda.sh/${annotation}`]: value }, spec },
            replicas,
          );
        await using asleep = await pausedBy("paused-asleep", "paused", "true");
        await using awake = await pausedBy("paused-awake", "paused", "true", 1);
        await using set = await pausedBy("paused-at", "paused-replicas", "2");
        await set.until(2);
        await sleep(cooledDownMs);
        scaler.push(true);
        await sleep(1_000);
        expect([await asleep.replicas(), await awake.replicas(), await set.replicas()]).toEqual([0, 1, 2]);
      });

      test("a one-way pause allows the other direction", async () => {
        await using queue = await NumberServer.start();
        queue.value = 1;
        const spec = specOf([queue.trigger("queue")]);
        const pausedBy = (name: string, annotation: string, replicas: number) =>
          scaling().scale(
            { name, annotations: { [`autoscaling.keda.sh/${annotation}`]: "true" }, spec },
            replicas,
          );
        await using upOnly = await pausedBy("scale-in", "paused-scale-in", 0);
        await using downOnly = await pausedBy("scale-out", "paused-scale-out", 0);
        await upOnly.until(1);
        await sleep(2_000);
        expect(await downOnly.replicas()).toBe(0);
        await downOnly.scaleTo(1);
        queue.value = 0;
        await downOnly.until(0, now());
        await sleep(3_000);
        expect(await upOnly.replicas()).toBe(1);
      });
    },
  );
}

export const eventually = { timeout: 60_000, interval: 200 };
const now = () => performance.timeOrigin + performance.now();
const ms = (value: number) => `${Math.round(value)} ms`;

function quantiles(sorted: readonly number[]): string {
  const at = (share: number) =>
    ms(sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0);
  return `p50 ${at(0.5)}, p90 ${at(0.9)}, p99 ${at(0.99)}, max ${at(1)}`;
}

async function untilListening(stage: TestSystem, target: ScaledWorkload): Promise<void> {
  await stage.gateway.plugin.waitFor("scaler.stream_opened", { timeoutMs: minutes });
  await target.ready();
}

/** A poll in between could be mistaken for a push. */
const pushedOnly = (port: number) => specOf([pushTrigger(port)], { pollingInterval: 600 });
export const pushTrigger = (port: number) => ({
  type: "external-push",
  name: "push",
  metadata: { scalerAddress: `127.0.0.1:${port}` },
});
/** A ScaledObject's, without its target. */
export const specOf = (triggers: readonly object[], other: object = {}) => ({
  pollingInterval: 1,
  cooldownPeriod: cooldownSeconds,
  initialCooldownPeriod: 0,
  minReplicaCount: 0,
  maxReplicaCount: 5,
  triggers,
  ...other,
});

/** From the request's arrival at the gateway until it is scaled; the request is then answered. */
async function wake(stage: TestSystem, target: ScaledWorkload): Promise<number> {
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
