import type { BenchmarkOptions } from "./benchmark.ts";
import { type ColdStartScale, measureColdStarts } from "./plugin/cold-start.ts";
import { measureMemory, type MemoryScale } from "./plugin/memory.ts";
import { measureWarmPath, type WarmPathScale } from "./plugin/warm-path.ts";

interface PluginScale {
  readonly warmPath: WarmPathScale;
  readonly coldStarts: readonly ColdStartScale[];
  readonly memory: MemoryScale;
}

const full: PluginScale = {
  warmPath: { rounds: 9, warmUpMs: 500, rowMs: 600 },
  coldStarts: [
    { holds: 1, activations: 100 },
    { holds: 100, activations: 60 },
    { holds: 10_000, activations: 5 },
  ],
  memory: { holds: [2000, 5000, 10_000], events: 1_000_000 },
};

/** Every part once and small, only to show that the benchmark works. */
const quick: PluginScale = {
  warmPath: { rounds: 1, warmUpMs: 20, rowMs: 40 },
  coldStarts: [
    { holds: 1, activations: 2 },
    { holds: 20, activations: 2 },
    { holds: 200, activations: 1 },
  ],
  memory: { holds: [500, 1000, 2000], events: 5000 },
};

/** The plugin and its server: the warm path compared with alternatives, cold starts, and memory. */
export async function run(progress: (line: string) => void, { isQuick }: BenchmarkOptions): Promise<object> {
  const scale = isQuick ? quick : full;
  const { warm, ratios } = await measureWarmPath(scale.warmPath, progress);
  const coldStart = await measureColdStarts(scale.coldStarts, progress);
  const memory = await measureMemory(scale.memory, progress);
  return { warm, ratios, coldStart, memory };
}
