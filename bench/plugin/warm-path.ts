import { fileURLToPath } from "node:url";

import { spawnApp } from "@kong-serverless/testing";

import { medianBy } from "../benchmark.ts";
import { EventConnection } from "./event-connection.ts";
import { forMs, playLoad } from "./load.ts";
import { quantile, rounded } from "./quantile.ts";
import { type ServerVariant, type ServerVariantName, serverVariants } from "./variants.ts";

export interface WarmRow {
  readonly variant: ServerVariantName;
  readonly connections: number;
  readonly eventsPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

export interface RatioRow {
  readonly connections: number;
  readonly serverlessToEmpty: number;
  readonly serverlessToStock: number;
}

export interface WarmPathScale {
  readonly rounds: number;
  /** Milliseconds of load for each new server process to compile its code. */
  readonly warmUpMs: number;
  /** Milliseconds of a measured row. */
  readonly rowMs: number;
}

/** A variant's server with connections to it. */
interface RunningVariant {
  readonly name: ServerVariantName;
  readonly connections: readonly EventConnection[];
  readonly events: readonly Buffer[];
}

const connectionCounts = [1, 16, 64];
/**
 * Load before every row that is not measured: after a pause the lease has expired, and the first request waits for a
 * probe.
 */
const leadInMs = 100;
const names = Object.keys(serverVariants) as ServerVariantName[];

/**
 * Events per second and latencies of each variant with its backend ready. Every round restarts all servers and measures
 * each row once; figures are medians over the rounds, ratios the medians of the rounds' ratios.
 */
export async function measureWarmPath(
  { rounds, warmUpMs, rowMs }: WarmPathScale,
  progress: (line: string) => void,
): Promise<{ warm: WarmRow[]; ratios: RatioRow[] }> {
  const measured: WarmRow[][] = [];
  for (let round = 0; round < rounds; round += 1) {
    await using servers = new AsyncDisposableStack();
    const running = await startVariants(servers);
    for (const variant of running) {
      await playLoad({ ...variant, connections: variant.connections.slice(0, 16), goesOn: forMs(warmUpMs) });
    }
    const rows: WarmRow[] = [];
    for (const count of connectionCounts) {
      // Each round starts with another one, so that none always follows the same one.
      for (const variant of rotated(running, round)) {
        const { row, generatorMicros } = await measureRow(variant, count, rowMs);
        rows.push(row);
        progress(`warm ${round + 1}/${rounds}  ${describe(row)}  generator ${generatorMicros} us/event`);
      }
    }
    measured.push(rows);
  }
  return { warm: medians(measured.flat()), ratios: ratios(measured) };
}

async function startVariants(servers: AsyncDisposableStack): Promise<RunningVariant[]> {
  const upstream = servers.use(spawnApp({ entry: fileURLToPath(new URL("upstream.ts", import.meta.url)) }));
  const { url } = await upstream.waitFor("listening", { timeoutMs: 60_000 });
  const running: RunningVariant[] = [];
  for (const name of names) running.push(await startVariant(name, String(url), servers));
  return running;
}

async function startVariant(
  name: ServerVariantName,
  upstreamUrl: string,
  servers: AsyncDisposableStack,
): Promise<RunningVariant> {
  const variant: ServerVariant = serverVariants[name];
  const { socketPath } = servers.use(await variant.start(upstreamUrl));
  const beginEvent = await variant.startInstance(socketPath, upstreamUrl);
  const connections = await Promise.all(
    Array.from({ length: Math.max(...connectionCounts) }, () =>
      EventConnection.open(socketPath, variant.conversation),
    ),
  );
  for (const connection of connections) servers.defer(() => connection.close());
  return { name, connections, events: [beginEvent(variant.eventName)] };
}

async function measureRow(
  { name, connections: all, events }: RunningVariant,
  count: number,
  rowMs: number,
): Promise<{ row: WarmRow; generatorMicros: number }> {
  const connections = all.slice(0, count);
  await playLoad({ connections, events, goesOn: forMs(leadInMs) });
  const load = await playLoad({ connections, events, goesOn: forMs(rowMs) });
  const { latenciesMs, durationMs, cpuMicrosPerEvent } = load;
  const row = {
    variant: name,
    connections: count,
    eventsPerSecond: Math.round((latenciesMs.length / durationMs) * 1000),
    p50Ms: rounded(quantile(latenciesMs, 0.5)),
    p99Ms: rounded(quantile(latenciesMs, 0.99)),
  };
  return { row, generatorMicros: Math.round(cpuMicrosPerEvent) };
}

function medians(rows: readonly WarmRow[]): WarmRow[] {
  return connectionCounts.flatMap((connections) =>
    names.map((variant) => {
      const same = rows.filter((row) => row.variant === variant && row.connections === connections);
      const median = (field: "eventsPerSecond" | "p50Ms" | "p99Ms") =>
        medianBy(same, (row) => row[field])[field];
      return {
        variant,
        connections,
        eventsPerSecond: median("eventsPerSecond"),
        p50Ms: median("p50Ms"),
        p99Ms: median("p99Ms"),
      };
    }),
  );
}

function ratios(measured: readonly (readonly WarmRow[])[]): RatioRow[] {
  return connectionCounts.map((connections) => {
    const rate = (rows: readonly WarmRow[], name: ServerVariantName) =>
      rows.find((row) => row.variant === name && row.connections === connections)?.eventsPerSecond ??
      Number.NaN;
    const ratioTo = (name: ServerVariantName) =>
      rounded(
        quantile(
          measured.map((rows) => rate(rows, "serverless") / rate(rows, name)),
          0.5,
        ),
      );
    return {
      connections,
      serverlessToEmpty: ratioTo("empty"),
      serverlessToStock: ratioTo("stock-empty"),
    };
  });
}

function rotated<Item>(items: readonly Item[], by: number): Item[] {
  const start = by % items.length;
  return [...items.slice(start), ...items.slice(0, start)];
}

function describe({ variant, connections, eventsPerSecond, p50Ms, p99Ms }: WarmRow): string {
  return [
    variant.padEnd(17),
    `${connections} conn`.padStart(7),
    `${eventsPerSecond}/s`.padStart(8),
    `p50 ${p50Ms} ms`.padStart(12),
    `p99 ${p99Ms} ms`.padStart(12),
  ].join("  ");
}
