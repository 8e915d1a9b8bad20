import { once } from "node:events";
import { createServer, type Server } from "node:http";
import { fileURLToPath } from "node:url";

import { fetchSamples, freePort, sleep, sumSamples } from "@kong-serverless/runtime";
import { spawnApp } from "@kong-serverless/testing";

import { EventConnection } from "../plugin/event-connection.ts";
import { startServerless } from "../plugin/plugin-process.ts";
import { protobuf, startProtobufInstance } from "../plugin/protobuf.ts";
import { quantile, rounded } from "../plugin/quantile.ts";
import { cpuSecondsOf } from "./cpu-seconds.ts";

export interface SleepingLoad {
  readonly backends: number;
  /** Requests that arrive in a second, until there is one for each. */
  readonly perSecond: number;
}

export interface SleepingScale {
  readonly loads: readonly SleepingLoad[];
  readonly holdTimeoutMs: number;
}

export interface SleepingRow extends SleepingLoad {
  /** CPU of the plugin server while they are held, in cores. */
  readonly cores: number;
  readonly probesPerSecond: number;
  /** How long after its deadline the last one was answered. */
  readonly worstOverrunMs: number;
  /** Requests to another, ready backend while all are held: from when each was due to its end. */
  readonly warmP50Ms: number;
  readonly warmP99Ms: number;
  /** When all backends become ready at the same moment: how much later each request is released. */
  readonly releasedP50Ms: number;
  readonly releasedP99Ms: number;
}

const warmPerSecond = 200;
/** Requests sent in one turn: sending all at once would measure the load generator. */
const batch = 50;

/** Holds a request for each of many sleeping backends until its deadline, then again until all of them are up. */
export async function measureSleepingBackends(
  { loads, holdTimeoutMs }: SleepingScale,
  progress: (line: string) => void,
): Promise<SleepingRow[]> {
  const rows: SleepingRow[] = [];
  for (const load of loads) {
    const row = await measure(load, holdTimeoutMs);
    progress(`sleeping  ${JSON.stringify(row)}`);
    rows.push(row);
  }
  return rows;
}

async function measure(load: SleepingLoad, holdTimeoutMs: number): Promise<SleepingRow> {
  await using surroundings = spawnApp({
    entry: fileURLToPath(import.meta.resolve("./surroundings.ts")),
  });
  const { sidecarUrl, readyUrl } = await surroundings.waitFor("service.started", { timeoutMs: 60_000 });
  await using plugin = await startServerless(String(sidecarUrl));
  const { opsPort } = await plugin.app.waitFor("service.started", { timeoutMs: 60_000 });
  const port = await freePort();

  const start = (name: string, upstream: string) =>
    startProtobufInstance(plugin.socketPath, "serverless", {
      holdTimeoutMs,
      backend: [{ name, upstream, health: "/healthz", pubsub: "pubsub", topic: `wake-${name}` }],
    });
  const warm = (await start("warm", String(readyUrl)))("access");
  const held: Buffer[] = [];
  for (let nth = 0; nth < load.backends; nth += 1)
    held.push((await start(`sleeping-${nth}`, `http://${addressOf(nth)}:${port}`))("access"));
  const open = () => EventConnection.open(plugin.socketPath, protobuf);
  const warmConnection = await open();
  await played(warmConnection, warm);

  const cpuBefore = await cpuSecondsOf(plugin.app.pid);
  const probesBefore = await probesOf(Number(opsPort));
  const startedAtMs = performance.now();
  let areHeld = false;
  const kept = playWarm(warmConnection, warm, () => areHeld);
  const refused = await holdEach(held, open, load.perSecond);
  areHeld = true;
  await kept;
  const warmed = playWarm(warmConnection, warm, () => performance.now() >= startedAtMs + holdTimeoutMs);
  const overruns = (await Promise.all(refused)).map((waitedMs) => waitedMs - holdTimeoutMs);
  const warmMs = await warmed;
  const seconds = (performance.now() - startedAtMs) / 1000;
  const cores = ((await cpuSecondsOf(plugin.app.pid)) - cpuBefore) / seconds;
  const probes = (await probesOf(Number(opsPort))) - probesBefore;

  const released = await holdEach(held, open, load.perSecond);
  await sleep(holdTimeoutMs * 0.3);
  const server = await listenAt(port);
  const upAtMs = performance.now();
  const delays = await Promise.all(released.map((done) => done.then(() => performance.now() - upAtMs)));
  server.closeAllConnections();
  server.close();
  warmConnection.close();
  return {
    ...load,
    cores: rounded(cores),
    probesPerSecond: Math.round(probes / seconds),
    worstOverrunMs: rounded(Math.max(...overruns)),
    warmP50Ms: rounded(quantile(warmMs, 0.5)),
    warmP99Ms: rounded(quantile(warmMs, 0.99)),
    releasedP50Ms: rounded(quantile(delays, 0.5)),
    releasedP99Ms: rounded(quantile(delays, 0.99)),
  };
}

/** Begins each event on its own connection. Resolves once all have begun, with promises of how long each takes. */
async function holdEach(
  events: readonly Buffer[],
  open: () => Promise<EventConnection>,
  perSecond: number,
): Promise<Promise<number>[]> {
  const connections: EventConnection[] = [];
  for (let from = 0; from < events.length; from += batch)
    connections.push(...(await Promise.all(events.slice(from, from + batch).map(open))));
  const waits: Promise<number>[] = [];
  for (const [nth, event] of events.entries()) {
    const connection = connections[nth] as EventConnection;
    waits.push(played(connection, event).finally(() => connection.close()));
    if (nth % batch === batch - 1) await sleep((batch / perSecond) * 1000);
  }
  return waits;
}

/** Milliseconds that an event takes. */
async function played(connection: EventConnection, event: Buffer): Promise<number> {
  const beganAtMs = performance.now();
  await new Promise<void>((resolve) => connection.play(event, resolve));
  return performance.now() - beganAtMs;
}

/** Plays one event after another at a fixed pace. An event delayed by the previous one counts from when it was due. */
async function playWarm(
  connection: EventConnection,
  event: Buffer,
  isOver: () => boolean,
): Promise<number[]> {
  const latenciesMs: number[] = [];
  const beganAtMs = performance.now();
  for (let dueAtMs = beganAtMs; !isOver(); dueAtMs += 1000 / warmPerSecond) {
    const early = dueAtMs - performance.now();
    if (early > 0) await sleep(early);
    // If a timer of this process was late, that is not the plugin server's fault.
    const startedAtMs = early > 0 ? performance.now() : dueAtMs;
    await played(connection, event);
    latenciesMs.push(performance.now() - startedAtMs);
  }
  return latenciesMs;
}

async function probesOf(opsPort: number): Promise<number> {
  return sumSamples(await fetchSamples(`http://127.0.0.1:${opsPort}`), "serverless_probes_total");
}

/** A loopback address for each: all of them refuse connections until something listens on all addresses. */
function addressOf(nth: number): string {
  return `127.1.${Math.floor(nth / 250)}.${1 + (nth % 250)}`;
}

async function listenAt(port: number): Promise<Server> {
  const server = createServer((_, response) => response.end("ok"));
  server.listen(port, "0.0.0.0");
  await once(server, "listening");
  return server;
}
