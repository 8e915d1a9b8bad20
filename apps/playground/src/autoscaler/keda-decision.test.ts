import { describe, expect, it } from "vitest";

import { decide, type KedaState } from "./keda-decision.ts";

const state = (changes: Partial<KedaState>): KedaState => ({
  replicas: 1,
  isActive: false,
  hasError: false,
  fallbackReplicas: undefined,
  minReplicaCount: 0,
  cooldownPeriod: 60,
  initialCooldownPeriod: 0,
  createdAtMs: 0,
  lastActiveAtMs: 100_000,
  nowMs: 130_000,
  ...changes,
});

describe("KEDA's scale loop", () => {
  // "triggers are active AND replica count is equal to 0: Scale the ScaleTarget up", to the minimum or 1
  it("scales from zero to one when a trigger is active", () => {
    expect(decide(state({ replicas: 0, isActive: true }))).toEqual({ scaleTo: 1, isActivity: true });
  });

  it("scales from zero to minReplicaCount if that is more than one", () => {
    expect(decide(state({ replicas: 0, isActive: true, minReplicaCount: 3 }))).toMatchObject({ scaleTo: 3 });
  });

  // "triggers are active, but we didn't need to scale (replica count > 0): update LastActiveTime to now"
  it("counts an active poll as activity and leaves the count to the HPA", () => {
    expect(decide(state({ replicas: 2, isActive: true }))).toEqual({ isActivity: true });
  });

  it("does not count a poll in which another trigger failed as activity", () => {
    expect(decide(state({ replicas: 2, isActive: true, hasError: true }))).toEqual({ isActivity: false });
  });

  it("scales from zero even though another trigger failed", () => {
    expect(decide(state({ replicas: 0, isActive: true, hasError: true }))).toMatchObject({ scaleTo: 1 });
  });

  // "or last time a trigger was active was > cooldown period, so scale down"
  it("scales to zero in one step once the cooldown has passed since the last activity", () => {
    expect(decide(state({ replicas: 4, nowMs: 160_001 }))).toEqual({ scaleTo: 0, isActivity: false });
  });

  it("keeps the replicas while it cools down", () => {
    expect(decide(state({ replicas: 4, nowMs: 160_000 }))).toEqual({ isActivity: false });
  });

  it("scales a target that was never active to zero at once if initialCooldownPeriod is 0", () => {
    expect(decide(state({ lastActiveAtMs: undefined, nowMs: 1 }))).toMatchObject({ scaleTo: 0 });
  });

  it("counts initialCooldownPeriod from the creation while no trigger has been active", () => {
    const untouched = { lastActiveAtMs: undefined, initialCooldownPeriod: 30, cooldownPeriod: 1 };
    expect(decide(state({ ...untouched, nowMs: 30_000 }))).toEqual({ isActivity: false });
    expect(decide(state({ ...untouched, nowMs: 30_001 }))).toMatchObject({ scaleTo: 0 });
  });

  // "there are no active triggers, but a scaler responded with an error AND there is not a fallback replicas count"
  it("does not scale to zero while a trigger cannot be read", () => {
    expect(decide(state({ nowMs: 1_000_000, hasError: true }))).toEqual({ isActivity: false });
  });

  // "isError && scaledObject.Spec.Fallback != nil && scaledObject.Spec.Fallback.Replicas != 0"
  it("waits for a fallback, unless its replicas are 0", () => {
    const unread = { nowMs: 1_000_000, hasError: true };
    expect(decide(state({ ...unread, fallbackReplicas: 2 }))).toEqual({ isActivity: false });
    expect(decide(state({ ...unread, fallbackReplicas: 0 }))).toMatchObject({ scaleTo: 0 });
  });

  it("never stays below minReplicaCount", () => {
    expect(decide(state({ replicas: 1, minReplicaCount: 1, nowMs: 1_000_000 }))).toEqual({
      isActivity: false,
    });
    expect(decide(state({ replicas: 1, minReplicaCount: 2 }))).toMatchObject({ scaleTo: 2 });
  });
});
