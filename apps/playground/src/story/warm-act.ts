import { readPluginCounters } from "./plugin-counters.ts";
import { expect, type Stage } from "./stage.ts";
import type { StoryReport } from "./story.ts";

const requests = 200;

/** 200 requests to a backend that is up: no probe and no wake message that one of them waits for. */
export async function playWarm({ playground, signal }: Stage): Promise<NonNullable<StoryReport["warm"]>> {
  const { opsPort } = playground.pluginServer;
  const before = await readPluginCounters(opsPort, signal);
  const durations: number[] = [];
  for (let i = 0; i < requests; i++) {
    const startedAt = performance.now();
    const response = await fetch(playground.url, { signal });
    await response.arrayBuffer();
    durations.push(performance.now() - startedAt);
    expect(response.status === 200, `warm request ${i + 1} was answered ${response.status}`);
  }
  const after = await readPluginCounters(opsPort, signal);
  const warm = {
    requests,
    p50Ms: percentile(durations, 0.5),
    p99Ms: percentile(durations, 0.99),
    probes: after.probes.onPath - before.probes.onPath,
    wakeMessages: after.wakes.onPath - before.wakes.onPath,
    inBackground: {
      probes: after.probes.inBackground - before.probes.inBackground,
      wakeMessages: after.wakes.inBackground - before.wakes.inBackground,
    },
  };
  expect(
    warm.probes === 0 && warm.wakeMessages === 0,
    `no probe and no wake message expected on the path of warm requests, got ${warm.probes} and ${warm.wakeMessages}`,
  );
  return warm;
}

/** Rounded to a hundredth of a millisecond. */
function percentile(values: readonly number[], fraction: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  const value = sorted[Math.min(sorted.length - 1, Math.floor(fraction * sorted.length))] ?? Number.NaN;
  return Math.round(value * 100) / 100;
}
