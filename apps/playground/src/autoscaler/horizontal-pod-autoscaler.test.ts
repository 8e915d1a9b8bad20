import { describe, expect, it } from "vitest";

import { HorizontalPodAutoscaler } from "./horizontal-pod-autoscaler.ts";

const hpa = (changes: Partial<ConstructorParameters<typeof HorizontalPodAutoscaler>[0]> = {}) =>
  new HorizontalPodAutoscaler({
    minReplicas: 0,
    maxReplicas: 10,
    scaleDownStabilizationSeconds: 0,
    ...changes,
  });
const reading = (value: number, targetPerReplica: number) => ({
  value,
  isActive: value > 0,
  targetPerReplica,
});

describe("the horizontal pod autoscaler", () => {
  // desiredReplicas = ceil[currentMetricValue / targetAverageValue]
  it("asks for as many replicas as the value is worth, rounded up", () => {
    expect(hpa().recommend(1, [reading(21, 10)], false, 0)).toBe(3);
  });

  it("takes the maximum over the triggers, so that one with a huge target never asks for a second replica", () => {
    expect(hpa().recommend(1, [reading(12, 1000), reading(25, 10)], false, 0)).toBe(3);
    expect(hpa().recommend(1, [reading(12, 1000), reading(0, 10)], false, 0)).toBe(1);
  });

  it("changes nothing within a tenth of the target", () => {
    expect(hpa().recommend(2, [reading(21, 10)], false, 0)).toBe(2);
    expect(hpa().recommend(2, [reading(23, 10)], false, 0)).toBe(3);
  });

  it("leaves a target without replicas to KEDA", () => {
    expect(hpa().recommend(0, [reading(100, 1)], false, 0)).toBe(0);
  });

  it("never goes to zero itself, nor above the maximum", () => {
    expect(hpa().recommend(2, [reading(0, 10)], false, 0)).toBe(1);
    expect(hpa({ maxReplicas: 3 }).recommend(1, [reading(100, 10)], false, 0)).toBe(3);
  });

  it("goes down only as far as the highest recommendation of the stabilization window", () => {
    const stabilized = hpa({ scaleDownStabilizationSeconds: 60 });
    expect(stabilized.recommend(1, [reading(40, 10)], false, 0)).toBe(4);
    expect(stabilized.recommend(4, [reading(10, 10)], false, 30_000)).toBe(4);
    expect(stabilized.recommend(4, [reading(10, 10)], false, 60_001)).toBe(1);
  });

  it("adds at most four pods or doubles in 15 seconds, whichever is more", () => {
    const limited = hpa({ maxReplicas: 100 });
    expect(limited.recommend(1, [reading(1000, 10)], false, 0)).toBe(5);
    expect(limited.recommend(5, [reading(1000, 10)], false, 5_000)).toBe(5);
    expect(limited.recommend(5, [reading(1000, 10)], false, 15_001)).toBe(10);
  });

  it("goes up but not down while a trigger cannot be read", () => {
    expect(hpa().recommend(3, [reading(10, 10)], true, 0)).toBe(3);
    expect(hpa().recommend(3, [reading(50, 10)], true, 0)).toBe(5);
    expect(hpa().recommend(3, [], true, 0)).toBe(3);
  });
});
