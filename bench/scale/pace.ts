import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

import { Exchange, KongHost, type PluginEntity } from "@kong-serverless/kong-host";
import { sleep } from "@kong-serverless/runtime";
import { ScriptedSidecar } from "@kong-serverless/testing";

import { startServerless } from "../plugin/plugin-process.ts";
import { rounded } from "../plugin/quantile.ts";

export interface PaceRow {
  readonly releaseConcurrency: number;
  readonly requests: number;
  /** Answered 503 by the backend. */
  readonly refused: number;
  /** From the moment that the backend is ready to the last answer. */
  readonly lastAnswerMs: number;
}

export interface PaceScale {
  readonly requests: number;
  /** How many requests the backend accepts at once. */
  readonly concurrency: number;
}

const workMs = 20;

/** Holds many requests for a backend that accepts few at a time and refuses the others, then releases them. */
export async function measurePace(
  { requests, concurrency }: PaceScale,
  progress: (line: string) => void,
): Promise<PaceRow[]> {
  const rows: PaceRow[] = [];
  for (const releaseConcurrency of [0, concurrency]) {
    const row = await measure(requests, concurrency, releaseConcurrency);
    progress(`pace  ${JSON.stringify(row)}`);
    rows.push(row);
  }
  return rows;
}

async function measure(requests: number, concurrency: number, releaseConcurrency: number): Promise<PaceRow> {
  await using sidecar = await new ScriptedSidecar().start();
  await using plugin = await startServerless(sidecar.url);
  const { opsPort } = await plugin.app.waitFor("service.started", { timeoutMs: 60_000 });
  await using backend = await startNarrowBackend(concurrency);
  const host = new KongHost({ socketPath: plugin.socketPath });
  const config = {
    holdTimeoutMs: 60_000,
    releaseConcurrency,
    backend: [{ name: "narrow", upstream: backend.url, health: "/healthz", pubsub: "p", topic: "t" }],
  };
  const entity = { id: "plugin", name: "serverless", config, seq: 1 };
  const statuses = Array.from({ length: requests }, () => request(host, entity, backend.url));
  const demandUrl = `http://127.0.0.1:${String(opsPort)}/demand/narrow`;
  while (((await (await fetch(demandUrl)).json()) as { held: number }).held < requests) await sleep(10);
  await sleep(200);
  backend.becomeReady();
  const readyAtMs = performance.now();
  const answered = await Promise.all(statuses);
  const lastAnswerMs = rounded(performance.now() - readyAtMs);
  await host.close();
  return {
    releaseConcurrency,
    requests,
    refused: answered.filter((status) => status === 503).length,
    lastAnswerMs,
  };
}

async function request(host: KongHost, entity: PluginEntity, url: string): Promise<number> {
  const exchange = new Exchange({
    request: {
      method: "GET",
      scheme: "http",
      host: "narrow.example",
      port: 80,
      path: "/",
      rawQuery: "",
      headers: { host: "narrow.example" },
      clientIp: "127.0.0.1",
    },
  });
  const outcome = await host.access(entity, exchange);
  if (outcome.kind !== "proxy") throw new Error(`not forwarded: ${JSON.stringify(outcome)}`);
  const response = await fetch(url);
  await response.arrayBuffer();
  exchange.response = { status: response.status, headers: {}, source: "service" };
  await host.log(entity, exchange);
  return response.status;
}

async function startNarrowBackend(concurrency: number) {
  let isReady = false;
  let running = 0;
  const server = createServer((incoming, response) => {
    if (incoming.url === "/healthz") return void response.writeHead(isReady ? 200 : 503).end();
    running += 1;
    const status = running > concurrency ? 503 : 200;
    void sleep(status === 200 ? workMs : 0).then(() => {
      running -= 1;
      response.writeHead(status).end();
    });
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    becomeReady: () => (isReady = true),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await once(server.close(), "close");
    },
  };
}
