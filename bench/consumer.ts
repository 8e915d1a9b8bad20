import { fileURLToPath } from "node:url";

import { spawnApp } from "@kong-serverless/testing";

import { medianBy } from "./benchmark.ts";
import { type VariantName, variants } from "./consumer/variants.ts";

interface Row {
  readonly variant: VariantName;
  readonly handlerMs: number;
  readonly messages: number;
  readonly inFlight: number;
  readonly messagesPerSecond: number;
  /** Of the measured part, which leaves a fifth of the messages out as warm-up. */
  readonly cpuSeconds: number;
  readonly rssMiB: number;
  /** Of all the messages. */
  readonly queueServerCpuSeconds: number;
}

const rounds = 3;
const handlerTimesMs = [0, 5, 50];
const names = Object.keys(variants) as VariantName[];

/**
 * Messages per second and CPU time of each way to consume a queue, side by side: every round has every row once, each with a
 * fresh queue server and a fresh consumer in processes of their own, and the figures are those of the median round.
 */
export async function run(progress: (line: string) => void): Promise<object> {
  const rows: Row[] = [];
  for (let round = 1; round <= rounds; round += 1) {
    for (const handlerMs of handlerTimesMs) {
      for (const variant of names) {
        const row = await measure(variant, handlerMs);
        progress(`round ${round}/${rounds}  ${describe(row)}`);
        rows.push(row);
      }
    }
  }
  const throughput = handlerTimesMs.flatMap((handlerMs) =>
    names.map((variant) =>
      medianBy(
        rows.filter((row) => row.variant === variant && row.handlerMs === handlerMs),
        ({ messagesPerSecond }) => messagesPerSecond,
      ),
    ),
  );
  const queueServerCpuSeconds = rounded(throughput.reduce((sum, row) => sum + row.queueServerCpuSeconds, 0));
  return { throughput, queueServerCpuSeconds, rounds };
}

async function measure(variant: VariantName, handlerMs: number): Promise<Row> {
  const { inFlight } = variants[variant];
  const messages = messagesFor(inFlight, handlerMs);
  await using server = spawnApp({ entry: pathOf("consumer/queue-server.ts"), args: [String(messages)] });
  const { url, env } = await server.waitFor("listening", { timeoutMs: 60_000 });
  await using consumer = spawnApp({
    entry: pathOf("consumer/measure.ts"),
    args: [variant, String(handlerMs), String(messages), String(url)],
    env: env as Record<string, string>,
  });
  const measured = await consumer.waitFor("measured", { timeoutMs: 120_000 });
  await server.stop("SIGTERM");
  const { cpuSeconds } = await server.waitFor("stopped");
  return {
    variant,
    handlerMs,
    messages,
    inFlight,
    messagesPerSecond: Math.round(Number(measured["messagesPerSecond"])),
    cpuSeconds: rounded(Number(measured["cpuSeconds"])),
    rssMiB: Math.round(Number(measured["rssMiB"])),
    queueServerCpuSeconds: rounded(Number(cpuSeconds)),
  };
}

/** Enough for three or four seconds, going by what a call and the handler take and by what the queue server can do at most. */
function messagesFor(inFlight: number, handlerMs: number): number {
  const perSecond = Math.min(5000, (inFlight * 1000) / (handlerMs + 2));
  return Math.ceil(perSecond * 4);
}

function describe(row: Row): string {
  const { variant, handlerMs, messagesPerSecond, cpuSeconds, rssMiB, queueServerCpuSeconds } = row;
  return [
    variant.padEnd(18),
    `${handlerMs} ms`.padStart(5),
    `${messagesPerSecond} msg/s`.padStart(11),
    `cpu ${cpuSeconds} s`,
    `rss ${rssMiB} MiB`,
    `queue server cpu ${queueServerCpuSeconds} s`,
  ].join("  ");
}

function pathOf(file: string): string {
  return fileURLToPath(new URL(file, import.meta.url));
}

function rounded(value: number): number {
  return Math.round(value * 100) / 100;
}
