import type { BenchmarkOptions } from "./benchmark.ts";
import { measureConnectAndLeave } from "./scale/connect-and-leave.ts";
import { measureNames } from "./scale/names.ts";
import { measurePace, type PaceScale } from "./scale/pace.ts";
import { measureSleepingBackends, type SleepingScale } from "./scale/sleeping-backends.ts";

interface Scale {
  readonly sleeping: SleepingScale;
  readonly names: readonly number[];
  readonly connections: readonly number[];
  readonly pace: PaceScale;
}

const full: Scale = {
  sleeping: {
    loads: [
      { backends: 1, perSecond: 1000 },
      { backends: 100, perSecond: 1000 },
      { backends: 500, perSecond: 1000 },
      { backends: 1000, perSecond: 1000 },
      { backends: 1000, perSecond: 10_000 },
    ],
    holdTimeoutMs: 10_000,
  },
  names: [1000, 10_000, 50_000, 100_000],
  connections: [1000, 5000, 10_000],
  pace: { requests: 1000, concurrency: 50 },
};

/** Every part once and small, only to show that the benchmark works. */
const quick: Scale = {
  sleeping: {
    loads: [
      { backends: 1, perSecond: 1000 },
      { backends: 20, perSecond: 1000 },
    ],
    holdTimeoutMs: 1000,
  },
  names: [10, 200],
  connections: [100],
  pace: { requests: 60, concurrency: 10 },
};

/** The plugin server with very many of something. */
export async function run(progress: (line: string) => void, { isQuick }: BenchmarkOptions): Promise<object> {
  const scale = isQuick ? quick : full;
  return {
    sleeping: await measureSleepingBackends(scale.sleeping, progress),
    names: await measureNames(scale.names, progress),
    connectAndLeave: await measureConnectAndLeave(scale.connections, progress),
    pace: await measurePace(scale.pace, progress),
  };
}
