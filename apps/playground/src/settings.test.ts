import { expect, it } from "vitest";

import type { Cluster } from "./manifests/cluster.ts";
import { chooseSettings } from "./settings.ts";

function clusterOf(targets: readonly object[], keepWarms: readonly number[]): Cluster {
  return {
    scaleTargets: targets.map((spec) => ({ scaledObject: { spec } })),
    backends: keepWarms.map((keepWarmIntervalMs) => ({ keepWarmIntervalMs })),
  } as unknown as Cluster;
}

const stabilizing = (stabilizationWindowSeconds: number) => ({
  advanced: { horizontalPodAutoscalerConfig: { behavior: { scaleDown: { stabilizationWindowSeconds } } } },
});
const cluster = clusterOf(
  [
    { cooldownPeriod: 60, ...stabilizing(60) },
    { cooldownPeriod: 120, ...stabilizing(30) },
  ],
  [20_000, 5_000],
);

it("shortens the longest of each time, and keeps its value in a cluster", () => {
  expect(chooseSettings(cluster, false)).toEqual({
    cooldownSeconds: { inCluster: 120, used: 6 },
    scaleDownStabilizationSeconds: { inCluster: 60, used: 6 },
    hpaSyncSeconds: { inCluster: 15, used: 2 },
    wakeRetentionSeconds: { inCluster: 60, used: 6 },
    keepWarmIntervalMs: { inCluster: 20_000, used: 2_000 },
  });
});

it("uses the real times on request", () => {
  for (const { inCluster, used } of Object.values(chooseSettings(cluster, true)))
    expect(used).toBe(inCluster);
});

it("leaves times that are already shorter", () => {
  const { cooldownSeconds, keepWarmIntervalMs } = chooseSettings(
    clusterOf([{ cooldownPeriod: 1 }], [500]),
    false,
  );
  expect([cooldownSeconds.used, keepWarmIntervalMs.used]).toEqual([1, 500]);
});

it("uses Kubernetes' default for a missing stabilization window", () => {
  const settings = chooseSettings(clusterOf([{ cooldownPeriod: 60 }], []), false);
  expect(settings.scaleDownStabilizationSeconds.inCluster).toBe(300);
});

it("keeps the rules between times, shortened or not", () => {
  const [pollingSeconds, leaseSeconds] = [1, 2];
  for (const realTimes of [false, true]) {
    const settings = chooseSettings(cluster, realTimes);
    const keepWarmSeconds = settings.keepWarmIntervalMs.used / 1000;
    const retentionSeconds = settings.wakeRetentionSeconds.used;
    // One wake message may be lost.
    expect(2 * keepWarmSeconds + pollingSeconds).toBeLessThan(retentionSeconds);
    expect(leaseSeconds + keepWarmSeconds + pollingSeconds).toBeLessThan(
      retentionSeconds + settings.cooldownSeconds.used,
    );
  }
});
