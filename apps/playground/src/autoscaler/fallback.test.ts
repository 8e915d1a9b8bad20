import { expect, it } from "vitest";

import { Fallback, type FallbackSettings } from "./fallback.ts";
import type { PolledTrigger } from "./trigger.ts";

const trigger = (targetPerReplica?: number): PolledTrigger => ({
  name: "queue",
  type: "scripted",
  timeoutMs: undefined,
  targetPerReplica,
  read: () => Promise.reject(new Error("not asked here")),
});
const failed: PromiseRejectedResult = { status: "rejected", reason: new Error("no such queue") };
const read = { value: 7, isActive: true, targetPerReplica: 10 };
const settings: FallbackSettings = { failureThreshold: 2, replicas: 3, behavior: "static" };

it("applies once a trigger has failed more often in a row than the threshold", () => {
  const [fallback, queue, other] = [new Fallback(settings), trigger(10), trigger(10)];
  const failing = () => fallback.reading(queue, failed, 1);
  expect([failing(), failing(), failing()?.value]).toEqual([undefined, undefined, 30]);
  expect(fallback.reading(other, failed, 1)).toBeUndefined();
  expect(fallback.reading(queue, { status: "fulfilled", value: read }, 1)).toEqual(read);
  expect(failing()).toBeUndefined();
});

it.each([
  ["static", 1, 3],
  ["static", 5, 3],
  ["currentReplicas", 5, 5],
  ["currentReplicas", 0, 0],
  ["currentReplicasIfHigher", 1, 3],
  ["currentReplicasIfHigher", 5, 5],
  ["currentReplicasIfLower", 1, 1],
  ["currentReplicasIfLower", 5, 3],
] as const)("%s of %i replicas is worth %i, and counts as activity", (behavior, replicas, worth) => {
  const fallback = new Fallback({ ...settings, failureThreshold: 0, behavior });
  expect(fallback.reading(trigger(10), failed, replicas)).toEqual({
    value: 10 * worth,
    isActive: true,
    targetPerReplica: 10,
  });
});

it("does not apply without settings, for a formula, or for a trigger whose target is unknown", () => {
  const known = trigger(10);
  expect(new Fallback(undefined).reading(known, failed, 1)).toBeUndefined();
  const now = { ...settings, failureThreshold: 0 };
  expect(new Fallback({ ...now, behavior: "scalingModifiers" }).reading(known, failed, 1)).toBeUndefined();
  expect(new Fallback(now).reading(trigger(), failed, 1)).toBeUndefined();
});
