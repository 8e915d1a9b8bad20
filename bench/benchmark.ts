import { readFile } from "node:fs/promises";
import { cpus, release, totalmem } from "node:os";

export interface BenchmarkOptions {
  /** Whether to run small, only to show that the benchmark works. */
  readonly isQuick: boolean;
  /** How many frames to send, for benchmarks that send frames. */
  readonly frames?: number;
  /** The same seed makes the same random choices. */
  readonly seed?: number;
}

/** The exports of a file in this directory that `main.ts` can run. */
export interface Benchmark {
  /** Resolves with the figures; calls `progress` with lines to show meanwhile. */
  run(progress: (line: string) => void, options: BenchmarkOptions): Promise<object>;
}

export function describeMachine(): object {
  const processors = cpus();
  return {
    cpu: processors[0]?.model.trim(),
    cores: processors.length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    os: `${process.platform} ${release()}`,
  };
}

/** The versions of Node and of what the benchmarks depend on. */
export async function describeVersions(): Promise<Record<string, string>> {
  const manifest = JSON.parse(await readFile(new URL("package.json", import.meta.url), "utf8")) as {
    dependencies: Record<string, string>;
  };
  const released = Object.entries(manifest.dependencies).filter(
    ([, version]) => !version.startsWith("workspace:"),
  );
  return { node: process.versions.node, ...Object.fromEntries(released) };
}

/** The median row; the lower of the two if their number is even. */
export function medianBy<Row>(rows: readonly Row[], value: (row: Row) => number): Row {
  const sorted = rows.toSorted((a, b) => value(a) - value(b));
  const middle = sorted[Math.ceil(sorted.length / 2) - 1];
  if (middle === undefined) throw new Error("no rows to take a median of");
  return middle;
}
