/**
 * Puts the figures of a run, read from stdin, into bench/README.md, which has the command. What it replaces lies between two
 * comments there.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { text } from "node:stream/consumers";

import type { ColdStartRow } from "./cold-start.ts";
import type { MemoryFigures } from "./memory.ts";
import type { RatioRow, WarmRow } from "./warm-path.ts";

interface PluginReport {
  readonly warm: readonly WarmRow[];
  readonly ratios: readonly RatioRow[];
  readonly coldStart: readonly ColdStartRow[];
  readonly memory: MemoryFigures;
  readonly machine: { cpu: string; cores: number; memoryGiB: number; os: string };
  readonly versions: Readonly<Record<string, string>>;
}

const begin = "<!-- figures of `plugin`: written by bench/plugin/tables.ts -->";
const end = "<!-- end of the figures of `plugin` -->";

const readme = new URL("../README.md", import.meta.url);
const report = JSON.parse((await text(process.stdin)).trimEnd().split("\n").at(-1) ?? "") as PluginReport;
const [before, rest] = readFileSync(readme, "utf8").split(begin);
const after = rest?.split(end)[1];
if (before === undefined || after === undefined) throw new Error(`bench/README.md lacks the line ${begin}`);
writeFileSync(readme, `${before}${begin}\n\n${tables(report)}\n\n${end}${after}`);

function tables({ warm, ratios, coldStart, memory, machine, versions }: PluginReport): string {
  const { cpu, cores, memoryGiB } = machine;
  return [
    `Measured on ${cores} cores (${cpu}, ${memoryGiB} GiB), Node ${versions["node"]}, kong-pdk ${versions["kong-pdk"]}.`,
    table(
      ["variant", "connections", "events/s", "p50, ms", "p99, ms"],
      warm.map((row) => [row.variant, row.connections, row.eventsPerSecond, row.p50Ms, row.p99Ms]),
    ),
    table(
      ["connections", "`serverless` / `empty` (aim 0.9)", "`serverless` / `stock-empty` (aim 1)"],
      ratios.map((row) => [row.connections, row.serverlessToEmpty, row.serverlessToStock]),
    ),
    table(
      ["holds", "activations", "p50, ms", "p99, ms", "last one released, ms", "wake messages"],
      coldStart.map((row) => [
        row.holds,
        row.activations,
        row.p50Ms,
        row.p99Ms,
        row.allReleasedMs,
        row.wakeMessages,
      ]),
    ),
    table(
      ["idle, MiB (aim 130)", "per held request, KiB (aim 20)", "after 1,000,000 events, MiB"],
      [[memory.idleMiB, memory.perHoldKiB, memory.afterMillionEventsMiB]],
    ),
  ].join("\n\n");
}

function table(head: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  return [head, head.map(() => "---"), ...rows].map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}
