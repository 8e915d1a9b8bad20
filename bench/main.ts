/**
 * `node bench/main.ts NAME [--json] [--quick] [--frames N] [--seed S]` runs bench/NAME.ts: progress on stderr, and the
 * result on stdout, as one line of JSON or laid out for reading. A benchmark is one file that exports `run`.
 */
import { existsSync } from "node:fs";
import { parseArgs } from "node:util";

import { type Benchmark, describeMachine, describeVersions } from "./benchmark.ts";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    json: { type: "boolean" },
    quick: { type: "boolean", default: false },
    frames: { type: "string" },
    seed: { type: "string" },
  },
});
const [name = ""] = positionals;
const file = new URL(`${name}.ts`, import.meta.url);

if (!/^[a-z][a-z-]*$/.test(name) || !existsSync(file)) {
  process.stderr.write(`There is no benchmark ${JSON.stringify(name)}. bench/README.md lists them.\n`);
  process.exit(1);
}

const benchmark = (await import(file.href)) as Benchmark;
const result = await benchmark.run((line) => process.stderr.write(`${line}\n`), {
  isQuick: values.quick,
  ...readNumber("frames", values.frames),
  ...readNumber("seed", values.seed),
});
const report = { ...result, machine: describeMachine(), versions: await describeVersions() };
process.stdout.write(`${values.json ? JSON.stringify(report) : JSON.stringify(report, undefined, 2)}\n`);

function readNumber(option: string, text: string | undefined): { [name: string]: number } {
  if (text === undefined) return {};
  if (/^\d{1,9}$/.test(text)) return { [option]: Number(text) };
  process.stderr.write(`--${option}: found ${JSON.stringify(text)}; expected a whole number\n`);
  process.exit(1);
}
