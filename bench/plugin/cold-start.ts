import { sleep } from "@kong-serverless/runtime";

import { HoldLoad } from "./hold-load.ts";
import { quantile, rounded } from "./quantile.ts";

export interface ColdStartRow {
  /** Requests held at once. */
  readonly holds: number;
  readonly activations: number;
  /** From the backend's first ready answer to the end of a held request's event, over all of them. */
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** From the same moment to the end of the last one, in the slowest activation. */
  readonly allReleasedMs: number;
  /** Accepted by the sidecar, over all activations. */
  readonly wakeMessages: number;
}

export interface ColdStartScale {
  readonly holds: number;
  readonly activations: number;
}

/** How long the backend keeps sleeping, at least, once all requests are held. */
const sleepMs = 50;
/**
 * A random extra of up to five default probe intervals, so that the backend becomes ready anywhere between two probes.
 */
const phaseMs = 100;

/** Makes a sleeping backend ready while requests are held, and measures when these are released. */
export async function measureColdStarts(
  scales: readonly ColdStartScale[],
  progress: (line: string) => void,
): Promise<ColdStartRow[]> {
  const rows: ColdStartRow[] = [];
  for (const scale of scales) {
    const row = await measure(scale);
    progress(`cold start  ${JSON.stringify(row)}`);
    rows.push(row);
  }
  return rows;
}

async function measure({ holds, activations }: ColdStartScale): Promise<ColdStartRow> {
  await using holdLoad = await HoldLoad.start();
  const waitedMs: number[] = [];
  let allReleasedMs = 0;
  for (let activation = 1; activation <= activations; activation += 1) {
    const waited = await activate(holdLoad, `backend-${activation}`, holds);
    for (const ms of waited) waitedMs.push(ms);
    allReleasedMs = Math.max(allReleasedMs, quantile(waited, 1));
  }
  return {
    holds,
    activations,
    p50Ms: rounded(quantile(waitedMs, 0.5)),
    p99Ms: rounded(quantile(waitedMs, 0.99)),
    allReleasedMs: rounded(allReleasedMs),
    wakeMessages: holdLoad.sidecar.messages.length,
  };
}

/**
 * Wakes a backend that the plugin has not seen yet. Resolves with how long each request waited once the backend was
 * ready.
 */
async function activate(holdLoad: HoldLoad, backend: string, holds: number): Promise<number[]> {
  holdLoad.backend.become(503);
  // All at once, to measure the server itself and not how long it waits for requests to end.
  const beginEvent = await holdLoad.addRoute(backend, { releaseConcurrency: 0 });
  const held = await holdLoad.hold({ backend, event: beginEvent("access"), from: 0, to: holds });
  await sleep(sleepMs + Math.random() * phaseMs);
  holdLoad.backend.become(200);
  const readyAtMs = performance.now();
  const answered = await Promise.all(held.map(({ answeredAtMs }) => answeredAtMs));
  // Without the end of its requests, the backend would be kept warm forever.
  await holdLoad.log(holds, beginEvent("log"));
  return answered.map((atMs) => atMs - readyAtMs);
}
