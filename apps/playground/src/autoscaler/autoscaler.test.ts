import { afterEach, beforeEach, expect, it, onTestFinished, vi } from "vitest";

import { Journal, type JournalEntry } from "../journal.ts";
import { Autoscaler, type AutoscalerOptions, type Scalable } from "./autoscaler.ts";
import type { Pause } from "./pause.ts";
import { httpTimeoutMs, type PushTrigger, type PolledTrigger, type TriggerReading } from "./trigger.ts";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

/** A trigger whose value the test sets: 10 per replica, and active above 0. */
class ScriptedTrigger implements PolledTrigger {
  readonly name: string;
  readonly type = "scripted";
  readonly timeoutMs: number | undefined = httpTimeoutMs;
  readonly targetPerReplica = 10;
  value: number | Error | "silence" = 0;
  reads = 0;

  constructor(name = "queue") {
    this.name = name;
  }

  async read(signal: AbortSignal): Promise<TriggerReading> {
    this.reads += 1;
    const { value } = this;
    if (value instanceof Error) throw value;
    if (value === "silence") {
      return new Promise((_, reject) => {
        signal.addEventListener("abort", () => reject(signal.reason as Error), { once: true });
      });
    }
    return { value, isActive: value > 0, targetPerReplica: this.targetPerReplica };
  }
}

class ScriptedPushTrigger extends ScriptedTrigger implements PushTrigger {
  push = () => {};

  async listen(onActive: () => void, signal: AbortSignal): Promise<void> {
    this.push = onActive;
    await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
  }
}

class RecordingTarget implements Scalable {
  readonly name = "web";
  readonly scaledTo: number[] = [];

  get replicas(): number {
    return this.scaledTo.at(-1) ?? 0;
  }

  scaleTo(replicas: number): void {
    this.scaledTo.push(replicas);
  }
}

function start(triggers: readonly PolledTrigger[], changes: Partial<AutoscalerOptions> = {}) {
  const target = new RecordingTarget();
  const journal = new Journal();
  const entries: JournalEntry[] = [];
  journal.subscribe((entry) => entries.push(entry));
  const autoscaler = new Autoscaler({
    target,
    triggers,
    pollingInterval: 1,
    cooldownPeriod: 60,
    initialCooldownPeriod: 0,
    minReplicaCount: 0,
    maxReplicaCount: 5,
    scaleDownStabilizationSeconds: 60,
    hpaSyncSeconds: 15,
    journal,
    ...changes,
  });
  onTestFinished(() => autoscaler.stop());
  const named = (name: string) => entries.filter(({ event }) => event === name).map(({ fields }) => fields);
  return { target, autoscaler, named };
}

const passSeconds = (seconds: number) => vi.advanceTimersByTimeAsync(seconds * 1000);

it("asks its triggers at once, then at every interval, and does nothing while none is active", async () => {
  const trigger = new ScriptedTrigger();
  const { target } = start([trigger], { pollingInterval: 2 });
  await passSeconds(0);
  expect(trigger.reads).toBe(1);
  await passSeconds(10);
  expect([trigger.reads, target.scaledTo]).toEqual([6, []]);
});

it("goes from zero to one at the first poll that finds a trigger active, and journals the change and its cause", async () => {
  const trigger = new ScriptedTrigger("wake");
  const { target, named } = start([new ScriptedTrigger("demand"), trigger]);
  await passSeconds(5);
  trigger.value = 1;
  await passSeconds(1);
  expect(target.scaledTo).toEqual([1]);
  expect(named("trigger.activated")).toEqual([
    { target: "web", trigger: "wake", type: "scripted", value: 1 },
  ]);
  expect(named("replicas.changed")).toEqual([{ target: "web", from: 0, to: 1, by: "keda" }]);
});

it("leaves one to many to the HPA's sync, and goes no higher than the maximum", async () => {
  const trigger = new ScriptedTrigger();
  const { target, named } = start([trigger]);
  trigger.value = 25;
  await passSeconds(14);
  expect(target.scaledTo).toEqual([1]);
  await passSeconds(1);
  expect(target.scaledTo).toEqual([1, 3]);
  trigger.value = 1000;
  await passSeconds(15);
  expect(target.scaledTo).toEqual([1, 3, 5]);
  expect(named("replicas.changed").map(({ by }) => by)).toEqual(["keda", "hpa", "hpa"]);
});

it("goes to zero in one step once the cooldown has passed since the last active poll", async () => {
  const trigger = new ScriptedTrigger();
  const { target, named } = start([trigger], { scaleDownStabilizationSeconds: 300 });
  trigger.value = 30;
  await passSeconds(20);
  expect(target.replicas).toBe(3);
  trigger.value = 0;
  await passSeconds(60);
  expect(target.replicas).toBe(3);
  await passSeconds(2);
  expect(target.scaledTo).toEqual([1, 3, 0]);
  expect(named("trigger.deactivated")).toHaveLength(1);
});

it("restarts the cooldown with every active poll", async () => {
  const trigger = new ScriptedTrigger();
  const { target } = start([trigger]);
  for (let i = 0; i < 5; i++) {
    trigger.value = 1;
    await passSeconds(1);
    trigger.value = 0;
    await passSeconds(50);
  }
  expect(target.replicas).toBe(1);
});

it("does not scale down while a trigger cannot be read, and journals the failure once", async () => {
  const trigger = new ScriptedTrigger();
  const { target, named } = start([trigger]);
  trigger.value = 1;
  await passSeconds(1);
  trigger.value = new Error("no such queue");
  await passSeconds(200);
  expect(target.replicas).toBe(1);
  expect(named("trigger.failed")).toEqual([
    { target: "web", trigger: "queue", type: "scripted", error: "Error: no such queue" },
  ]);
  trigger.value = 0;
  await passSeconds(2);
  expect(target.replicas).toBe(0);
});

it("wakes on one trigger while the other fails", async () => {
  const [failing, active] = [new ScriptedTrigger("failing"), new ScriptedTrigger("active")];
  failing.value = new Error("down");
  active.value = 1;
  const { target } = start([failing, active]);
  await passSeconds(1);
  expect(target.scaledTo).toEqual([1]);
});

it("treats a trigger that does not answer within 3 s as failing", async () => {
  const [silent, active] = [new ScriptedTrigger("silent"), new ScriptedTrigger("active")];
  silent.value = "silence";
  active.value = 1;
  const { target, named } = start([silent, active]);
  await passSeconds(2);
  expect(target.scaledTo).toEqual([]);
  await passSeconds(1);
  expect(target.scaledTo).toEqual([1]);
  expect(named("trigger.failed")[0]).toMatchObject({
    trigger: "silent",
    error: "Error: no answer within 3000 ms",
  });
});

it("asks nothing more once stopped, even in the middle of a poll", async () => {
  const trigger = new ScriptedTrigger();
  const { autoscaler, target, named } = start([trigger]);
  trigger.value = "silence";
  await passSeconds(2);
  await autoscaler.stop();
  const { reads } = trigger;
  trigger.value = 1;
  await passSeconds(100);
  expect([trigger.reads, target.scaledTo, named("trigger.failed")]).toEqual([reads, [], []]);
});

it("goes from zero to one at a push, without a poll", async () => {
  const trigger = new ScriptedPushTrigger("push");
  const { target, named } = start([trigger], { pollingInterval: 60 });
  await passSeconds(5);
  trigger.push();
  await passSeconds(0);
  expect(target.scaledTo).toEqual([1]);
  expect(named("trigger.pushed")).toEqual([{ target: "web", trigger: "push" }]);
});

it("makes a push wait for the poll that is under way", async () => {
  const trigger = new ScriptedPushTrigger("push");
  const { target } = start([trigger]);
  await passSeconds(0.5);
  trigger.value = "silence";
  await passSeconds(1);
  trigger.push();
  await passSeconds(1);
  expect(target.scaledTo).toEqual([]);
  await passSeconds(2);
  expect(target.scaledTo).toEqual([1]);
});

it("counts the cooldown from the last push, too", async () => {
  const trigger = new ScriptedPushTrigger("push");
  const { target } = start([trigger], { cooldownPeriod: 10 });
  await passSeconds(1);
  trigger.push();
  await passSeconds(8);
  trigger.push();
  await passSeconds(9);
  expect(target.scaledTo).toEqual([1]);
  await passSeconds(3);
  expect(target.scaledTo).toEqual([1, 0]);
});

it("waits for a trigger without a time limit, and does not poll meanwhile", async () => {
  const [silent, active] = [new ScriptedTrigger("silent"), new ScriptedTrigger("active")];
  const { target } = start([Object.assign(silent, { timeoutMs: undefined }), active]);
  await passSeconds(5);
  silent.value = "silence";
  await passSeconds(1);
  active.value = 1;
  await passSeconds(600);
  expect(target.scaledTo).toEqual([]);
});

it("scales to the fallback's replicas while a trigger keeps failing, and counts that as activity", async () => {
  const trigger = new ScriptedTrigger();
  trigger.value = new Error("down");
  const { target } = start([trigger], {
    fallback: { failureThreshold: 3, replicas: 2, behavior: "currentReplicasIfHigher" },
    cooldownPeriod: 1,
  });
  await passSeconds(2);
  expect(target.scaledTo).toEqual([]);
  await passSeconds(1);
  expect(target.scaledTo).toEqual([1]);
  await passSeconds(100);
  expect(target.scaledTo).toEqual([1, 2]);
});

const unpaused: Pause = { isWhole: false, replicas: undefined, isIn: false, isOut: false };

it("asks no trigger while paused, and sets the replicas of the pause", async () => {
  const trigger = new ScriptedTrigger();
  trigger.value = 1;
  const still = start([trigger], { pause: { ...unpaused, isWhole: true } });
  const set = start([trigger], { pause: { ...unpaused, isWhole: true, replicas: 2 } });
  await passSeconds(100);
  expect([trigger.reads, still.target.scaledTo, set.target.scaledTo]).toEqual([0, [], [2]]);
});

it("scales up or down while only the other is paused", async () => {
  const trigger = new ScriptedTrigger();
  trigger.value = 30;
  const upOnly = start([trigger], { pause: { ...unpaused, isIn: true }, cooldownPeriod: 1 });
  const downOnly = start([trigger], { pause: { ...unpaused, isOut: true }, cooldownPeriod: 1 });
  await passSeconds(30);
  downOnly.target.scaleTo(2);
  trigger.value = 0;
  await passSeconds(600);
  expect([upOnly.target.scaledTo, downOnly.target.scaledTo]).toEqual([
    [1, 3],
    [2, 0],
  ]);
});
