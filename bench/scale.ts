import type { BenchmarkOptions } from "./benchmark.ts";
import { measureSleepingBackends, type SleepingScale } from "./scale/sleeping-backends.ts";

interface Scale {
  readonly sleeping: SleepingScale;
}

const full: Scale = {
  sleeping: { backends: [1, 100, 500, 1000], holdTimeoutMs: 10_000 },
};

/** Every part once and small: shows that the benchmark works, and nothing else. */
const quick: Scale = {
  sleeping: { backends: [1, 20], holdTimeoutMs: 1000 },
};

/** The plugin server with very many of something. */
export async function run(progress: (line: string) => void, { isQuick }: BenchmarkOptions): Promise<object> {
  const scale = isQuick ? quick : full;
  return {
    sleeping: await measureSleepingBackends(scale.sleeping, progress),
  };
}
