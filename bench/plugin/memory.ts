import { sleep } from "@kong-serverless/runtime";
import type { SpawnedApp } from "@kong-serverless/testing";

import { HoldLoad } from "./hold-load.ts";
import { playLoad } from "./load.ts";
import { rounded } from "./quantile.ts";

export interface MemoryFigures {
  /** Resident memory at rest after the start. */
  readonly idleMiB: number;
  /** Resident memory per held request, after garbage collection. */
  readonly perHoldKiB: number;
  /** Resident memory at rest after a million warm events, alternately `access` and `log`. */
  readonly afterMillionEventsMiB: number;
}

export interface MemoryScale {
  /** Numbers of held requests for the regression, ascending. */
  readonly holds: readonly number[];
  readonly events: number;
}

interface MemorySample {
  readonly rssBytes: number;
  readonly heapBytes: number;
  /** Reserved for the heap, in use or not. */
  readonly heapReservedBytes: number;
}

const mebibyte = 2 ** 20;
/** Memory counts as at rest after this long without events. */
const restMs = 1000;
/** How often memory is sampled during the events. */
const parts = 5;

/** Measures the memory of the plugin server's process. */
export async function measureMemory(
  { holds, events }: MemoryScale,
  progress: (line: string) => void,
): Promise<MemoryFigures> {
  const perHoldKiB = await measureHolds(holds, progress);
  const { idleMiB, afterMiB } = await measureEvents(events, progress);
  return { idleMiB, perHoldKiB, afterMillionEventsMiB: afterMiB };
}

async function measureHolds(holds: readonly number[], progress: (line: string) => void): Promise<number> {
  await using holdLoad = await HoldLoad.start(MemoryMeter.nodeArgs);
  const meter = new MemoryMeter(holdLoad.plugin.app);
  const backend = "asleep";
  const beginEvent = await holdLoad.addRoute(backend, { holdTimeoutMs: 600_000 });
  const event = beginEvent("access");
  const points: { holds: number; kiB: number }[] = [];
  let from = 0;
  for (const to of holds) {
    await holdLoad.hold({ backend, event, from, to });
    from = to;
    const { rssBytes, heapBytes } = await meter.collectAndSample();
    points.push({ holds: to, kiB: rssBytes / 1024 });
    progress(`memory  ${to} held: ${inMiB(rssBytes)} MiB, heap ${inMiB(heapBytes)} MiB`);
  }
  return rounded(slope(points));
}

async function measureEvents(
  events: number,
  progress: (line: string) => void,
): Promise<{ idleMiB: number; afterMiB: number }> {
  await using holdLoad = await HoldLoad.start(MemoryMeter.nodeArgs);
  const meter = new MemoryMeter(holdLoad.plugin.app);
  const report = async (when: string) => {
    await sleep(restMs);
    const { rssBytes, heapReservedBytes } = await meter.sample();
    progress(
      `memory  ${when}: ${inMiB(rssBytes)} MiB, of which reserved as heap ${inMiB(heapReservedBytes)}`,
    );
    return inMiB(rssBytes);
  };
  const reportHeap = async () => {
    const { rssBytes, heapBytes } = await meter.collectAndSample();
    progress(`memory  after garbage collection: ${inMiB(rssBytes)} MiB, heap ${inMiB(heapBytes)} MiB`);
  };
  const idleMiB = await report("idle");
  await reportHeap();
  holdLoad.backend.become(200);
  const beginEvent = await holdLoad.addRoute("warm");
  const load = {
    connections: await holdLoad.connections(16),
    events: [beginEvent("access"), beginEvent("log")],
    goesOn: (begun: number) => begun < events / parts,
  };
  let afterMiB = idleMiB;
  for (let part = 1; part <= parts; part += 1) {
    await playLoad(load);
    afterMiB = await report(`after ${(events / parts) * part} events`);
  }
  await reportHeap();
  return { idleMiB, afterMiB };
}

/** Asks a process for its memory by a signal. The answering code is preloaded, so the process need not know. */
export class MemoryMeter {
  static readonly nodeArgs = [
    "--expose-gc",
    "--import",
    `data:text/javascript,(${encodeURIComponent(answerSignals.toString())})()`,
  ];
  readonly #app: SpawnedApp;
  #samples = 0;

  constructor(app: SpawnedApp) {
    this.#app = app;
  }

  /** Memory without a garbage collection. */
  sample(): Promise<MemorySample> {
    return this.#ask("SIGUSR2");
  }

  /** Memory after a full garbage collection. */
  collectAndSample(): Promise<MemorySample> {
    return this.#ask("SIGHUP");
  }

  /** Memory after V8 has given back what it keeps for the next garbage. */
  shrinkAndSample(): Promise<MemorySample> {
    return this.#ask("SIGWINCH");
  }

  async #ask(signal: "SIGUSR2" | "SIGHUP" | "SIGWINCH"): Promise<MemorySample> {
    this.#samples += 1;
    process.kill(this.#app.pid ?? Number.NaN, signal);
    const line = await this.#app.waitFor("memory.sampled", {
      matches: ({ sample }) => sample === this.#samples,
      timeoutMs: 60_000,
    });
    return {
      rssBytes: Number(line["rss"]),
      heapBytes: Number(line["heapUsed"]),
      heapReservedBytes: Number(line["heapTotal"]),
    };
  }
}

/** Runs in the measured process, from its source text: it must not use anything else of this file. */
function answerSignals(): void {
  let sample = 0;
  const report = () => {
    sample += 1;
    const { rss, heapUsed, heapTotal } = process.memoryUsage();
    process.stdout.write(
      `${JSON.stringify({ event: "memory.sampled", sample, rss, heapUsed, heapTotal })}\n`,
    );
  };
  process.on("SIGUSR2", report);
  process.on("SIGHUP", () => {
    globalThis.gc?.();
    globalThis.gc?.();
    report();
  });
  process.on("SIGWINCH", () => {
    globalThis.gc?.({ type: "major", execution: "sync", flavor: "last-resort" });
    report();
  });
}

/** The slope of the least-squares line. */
function slope(points: readonly { holds: number; kiB: number }[]): number {
  const mean = (value: (point: { holds: number; kiB: number }) => number) =>
    points.reduce((sum, point) => sum + value(point), 0) / points.length;
  const meanHolds = mean(({ holds }) => holds);
  const meanKiB = mean(({ kiB }) => kiB);
  const covariance = mean(({ holds, kiB }) => (holds - meanHolds) * (kiB - meanKiB));
  return covariance / mean(({ holds }) => (holds - meanHolds) ** 2);
}

function inMiB(bytes: number): number {
  return Math.round((bytes / mebibyte) * 10) / 10;
}
