import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { spawnApp } from "@kong-serverless/testing";
import { build } from "esbuild";

import { type BenchmarkOptions, medianBy } from "./benchmark.ts";
import { type ConsumerVariantName, consumerVariants } from "./consumer/variants.ts";

interface Row {
  readonly variant: ConsumerVariantName;
  readonly handlerMs: number;
  /** Network delay each way. */
  readonly delayMs: number;
  readonly messages: number;
  readonly inFlight: number;
  readonly messagesPerSecond: number;
  /** In the measured part, which excludes a fifth of the messages as warm-up. */
  readonly cpuMicrosecondsPerMessage: number;
  readonly rssMiB: number;
  /** For all messages. */
  readonly queueServerCpuSeconds: number;
}

const rounds = 3;
const cases = [
  { handlerMs: 0, delayMs: 0 },
  { handlerMs: 5, delayMs: 0 },
  { handlerMs: 50, delayMs: 0 },
  // Real queues keep their messages there.
  { handlerMs: 5, delayMs: 1 },
];
type ConsumerCase = (typeof cases)[number];
const names = Object.keys(consumerVariants) as ConsumerVariantName[];

/**
 * Messages per second and CPU time of each way to consume a queue, side by side. Every round measures every row once,
 * each with a fresh queue server and a fresh consumer in separate processes; the figures are those of the median round.
 */
export async function run(progress: (line: string) => void, { isQuick }: BenchmarkOptions): Promise<object> {
  const directory = await mkdtemp(join(tmpdir(), "bench-consumer-"));
  try {
    const entry = await bundleConsumer(directory);
    const rows: Row[] = [];
    for (let round = 1; round <= (isQuick ? 1 : rounds); round += 1) {
      for (const oneCase of cases) {
        for (const variant of names) {
          const row = await measure(entry, variant, oneCase);
          progress(`round ${round}  ${describe(row)}`);
          rows.push(row);
        }
      }
    }
    return summarise(rows);
  } finally {
    await rm(directory, { recursive: true });
  }
}

function summarise(rows: readonly Row[]): object {
  const throughput = cases.flatMap(({ handlerMs, delayMs }) =>
    names.map((variant) =>
      medianBy(
        rows.filter(
          (row) => row.variant === variant && row.handlerMs === handlerMs && row.delayMs === delayMs,
        ),
        ({ messagesPerSecond }) => messagesPerSecond,
      ),
    ),
  );
  const queueServerCpuSeconds = rounded(throughput.reduce((sum, row) => sum + row.queueServerCpuSeconds, 0));
  return { throughput, queueServerCpuSeconds, rounds: rows.length / throughput.length };
}

/** Bundled, as apps are shipped: otherwise compiling and loading hundreds of sources would be measured. */
async function bundleConsumer(directory: string): Promise<string> {
  const outfile = join(directory, "measure.mjs");
  await build({
    entryPoints: [pathOf("consumer/measure.ts")],
    outfile,
    bundle: true,
    platform: "node",
    target: "node24",
    format: "esm",
    logLevel: "warning",
    banner: {
      js: 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);',
    },
  });
  return outfile;
}

async function measure(
  entry: string,
  variant: ConsumerVariantName,
  { handlerMs, delayMs }: ConsumerCase,
): Promise<Row> {
  const { inFlight } = consumerVariants[variant];
  const messages = messagesFor(inFlight, handlerMs + 2 * delayMs);
  await using server = spawnApp({
    entry: pathOf("consumer/queue-server.ts"),
    args: [String(messages), String(delayMs)],
  });
  const { url, env } = await server.waitFor("listening", { timeoutMs: 60_000 });
  await using consumer = spawnApp({
    entry,
    args: [variant, String(handlerMs), String(messages), String(url)],
    env: env as Record<string, string>,
  });
  const measured = await consumer.waitFor("measured", { timeoutMs: 120_000 });
  await server.stop("SIGTERM");
  const { cpuSeconds } = await server.waitFor("stopped");
  return {
    variant,
    handlerMs,
    delayMs,
    messages,
    inFlight,
    messagesPerSecond: Math.round(Number(measured["messagesPerSecond"])),
    cpuMicrosecondsPerMessage: Math.round((Number(measured["cpuSeconds"]) * 1e6) / (messages * 0.8)),
    rssMiB: Math.round(Number(measured["rssMiB"])),
    queueServerCpuSeconds: rounded(Number(cpuSeconds)),
  };
}

/**
 * Enough for three or four seconds, estimated from the time of a call and the handler, and from the queue server's
 * limit.
 */
function messagesFor(inFlight: number, handlerMs: number): number {
  const perSecond = Math.min(5000, (inFlight * 1000) / (handlerMs + 2));
  return Math.ceil(perSecond * 4);
}

function describe(row: Row): string {
  const { variant, handlerMs, delayMs, messagesPerSecond, cpuMicrosecondsPerMessage, rssMiB } = row;
  return [
    variant.padEnd(18),
    `${handlerMs} ms${delayMs > 0 ? ` + ${delayMs} ms away` : ""}`.padStart(5),
    `${messagesPerSecond} msg/s`.padStart(11),
    `cpu ${cpuMicrosecondsPerMessage} µs`,
    `rss ${rssMiB} MiB`,
  ].join("  ");
}

function pathOf(file: string): string {
  return fileURLToPath(new URL(file, import.meta.url));
}

function rounded(value: number): number {
  return Math.round(value * 100) / 100;
}
