import { once } from "node:events";
import { createServer, type Server } from "node:net";
import { join } from "node:path";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

import { FramePeer, makeSocketDirectory } from "@kong-serverless/kong-protocol/testing";
import { type Kong, PluginServer } from "@kong-serverless/plugin-server";
import { RecordingLog } from "@kong-serverless/testing";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

import { Exchange, KongHost, type KongHostOptions, type PluginEntity } from "./index.ts";

const entity: PluginEntity = {
  id: "plugin-1",
  name: "tested",
  config: { topic: "jobs" },
  routeId: "r1",
  seq: 1,
};

function exchangeOf(path = "/", headers: Record<string, string> = {}): Exchange {
  return new Exchange({
    request: {
      method: "GET",
      scheme: "http",
      host: "demo.example",
      port: 80,
      path,
      rawQuery: "a=1&a=2&b",
      headers,
      clientIp: "10.0.0.1",
    },
  });
}

interface Handlers {
  readonly access?: (kong: Kong, config: Readonly<Record<string, unknown>>) => unknown;
  readonly log?: (kong: Kong) => unknown;
}

let directory: Awaited<ReturnType<typeof makeSocketDirectory>>;
let socketPath: string;
let host: KongHost;
let log: RecordingLog;
const servers: PluginServer[] = [];

beforeEach(async () => {
  directory = await makeSocketDirectory();
  socketPath = join(directory.path, "tested.socket");
  log = new RecordingLog();
  makeHost();
});

afterEach(async () => {
  await host.close();
  await Promise.all(servers.splice(0).map((server) => server.stop({ graceMs: 0, idleMs: 0 })));
  await directory[Symbol.asyncDispose]();
});

function makeHost(options: Partial<KongHostOptions> = {}): void {
  host = new KongHost({ socketPath, log, ...options });
}

async function serve({ access, log: logPhase }: Handlers): Promise<PluginServer> {
  class Tested {
    readonly #config: Readonly<Record<string, unknown>>;
    constructor(config: Readonly<Record<string, unknown>>) {
      this.#config = config;
    }
    async access(kong: Kong) {
      await access?.(kong, this.#config);
    }
    async log(kong: Kong) {
      await logPhase?.(kong);
    }
  }
  const plugin = { Plugin: Tested, Name: "tested", Version: "1.0.0", Priority: 1, Schema: [] };
  const server = new PluginServer({ socketPath, plugin });
  servers.push(server);
  await server.start();
  return server;
}

describe("access", () => {
  it("starts one instance for each worker and entity, at its first request", async () => {
    makeHost({ workers: 2 });
    const configs: unknown[] = [];
    const server = await serve({ access: (_, config) => configs.push(config) });
    await Promise.all(Array.from({ length: 6 }, () => host.access(entity, exchangeOf())));
    expect(server.counts.instances).toBe(2);
    expect(configs).toHaveLength(6);
    expect(configs[0]).toMatchObject({ topic: "jobs", route_id: "r1", __seq__: 1, __plugin_id: "plugin-1" });
  });

  it("starts a new instance and closes the old one when the configuration has changed", async () => {
    const topics: unknown[] = [];
    const server = await serve({ access: (_, { topic }) => topics.push(topic) });
    await host.access(entity, exchangeOf());
    await host.access({ ...entity, seq: 2, config: { topic: "other" } }, exchangeOf());
    expect(topics).toEqual(["jobs", "other"]);
    expect(server.counts.instances).toBe(1);
  });

  it("reuses a connection, but never after an exit", async () => {
    const server = await serve({
      async access(kong) {
        if ((await kong.request.getPath()) === "/exit") await kong.response.exit(410, "gone");
      },
    });
    await host.access(entity, exchangeOf());
    await host.access(entity, exchangeOf());
    expect(server.counts.connections).toBe(1);
    expect(await host.access(entity, exchangeOf("/exit"))).toMatchObject({ kind: "exit", status: 410 });
    await expect.poll(() => server.counts.connections).toBe(0);
  });

  it("tells the plugin about the request, and collects its changes", async () => {
    const seen: unknown[] = [];
    await serve({
      async access(kong) {
        seen.push(
          await kong.request.getQuery(),
          await kong.request.getQueryArg("a"),
          await kong.router.getService(),
          await kong.ctx.shared.get("absent"),
          Object.keys(await kong.request.getRawBody()),
        );
        await kong.service.setTarget("backend.local", 8080);
        await kong.service.request.setPath("/rewritten");
        await kong.service.request.setQuery({ z: ["1", "2"], a: "x y" });
        await kong.service.request.addHeader("X-Added", ["1", "2"]);
        await kong.response.setHeaders({ "x-a": "1" });
        await kong.response.exit(200, "", { "X-A": "2" });
      },
    });
    const exchange = exchangeOf();
    const outcome = await host.access(entity, exchange);
    expect(outcome).toMatchObject({ kind: "exit", status: 200, headers: { "x-a": "2" } });
    expect(seen).toEqual([{ a: ["1", "2"], b: "" }, "1", undefined, undefined, ["content"]]);
    expect(exchange.upstream).toMatchObject({
      target: { host: "backend.local", port: 8080 },
      path: "/rewritten",
      rawQuery: "a=x+y&z=1&z=2",
    });
    expect(exchange.upstream.headers.applyTo({})).toEqual({ "x-added": ["1", "2"] });
  });

  it("closes the connection and rejects with the signal's reason when the client leaves", async () => {
    const held = Promise.withResolvers<AbortSignal>();
    const server = await serve({
      access: (kong) =>
        new Promise<void>((resolve) => {
          kong.signal.addEventListener("abort", () => resolve());
          held.resolve(kong.signal);
        }),
    });
    const client = new AbortController();
    const outcome = host.access(entity, exchangeOf(), client.signal);
    const signal = await held.promise;
    const left = new Error("client left");
    client.abort(left);
    await expect(outcome).rejects.toBe(left);
    await expect.poll(() => signal.aborted).toBe(true);
    expect(server.counts.runningEvents).toBe(0);
  });

  it("answers 500 at once while there is no plugin server, and passes again once there is one", async () => {
    expect(await host.access(entity, exchangeOf())).toMatchObject({ kind: "error", status: 500 });
    await serve({});
    expect(await host.access(entity, exchangeOf())).toEqual({ kind: "proxy" });
  });

  it("restarts instances that a replaced server has forgotten", async () => {
    const old = await serve({});
    await host.access(entity, exchangeOf());
    await old.stop({ graceMs: 0, idleMs: 0 });
    await serve({});
    expect(await host.access(entity, exchangeOf())).toEqual({ kind: "proxy" });
  });

  it("answers 503 what the old server holds when its grace ends, and sends the next request to the one that took over", async () => {
    const held = Promise.withResolvers<void>();
    const old = await serve({ access: () => new Promise(() => held.resolve()) });
    const outcome = host.access(entity, exchangeOf());
    await held.promise;
    await serve({});
    await old.stop({ graceMs: 0, idleMs: 0 });
    expect(await outcome).toMatchObject({ kind: "exit", status: 503 });
    expect(await host.access(entity, exchangeOf())).toEqual({ kind: "proxy" });
  });

  it("ends held requests when the host is closed, without a retry", async () => {
    const held = Promise.withResolvers<void>();
    let events = 0;
    await serve({
      access() {
        events += 1;
        held.resolve();
        return new Promise(() => {});
      },
    });
    const outcome = host.access(entity, exchangeOf());
    await held.promise;
    await host.close();
    expect(await outcome).toMatchObject({ kind: "error", reason: "the host was closed" });
    expect(events).toBe(1);
  });

  it("answers 500 when a plugin calls what Kong does not offer in access", async () => {
    await serve({ access: (kong) => kong.response.getStatus() });
    expect(await host.access(entity, exchangeOf())).toMatchObject({ kind: "error", status: 500 });
  });
});

describe("log", () => {
  it("shows the answer and what access has shared", async () => {
    const seen: unknown[] = [];
    await serve({
      access: (kong) => kong.ctx.shared.set("held", { ms: 12 }),
      async log(kong) {
        seen.push(
          await kong.response.getSource(),
          await kong.response.getStatus(),
          await kong.ctx.shared.get("held"),
        );
      },
    });
    const exchange = exchangeOf();
    await host.access(entity, exchange);
    exchange.response = { status: 502, headers: {}, source: "error" };
    await host.log(entity, exchange);
    expect(seen).toEqual(["error", 502, { ms: 12 }]);
  });

  it("ends a log event that asks for the request itself, as Kong does", async () => {
    const outcome = Promise.withResolvers<unknown>();
    await serve({ log: (kong) => kong.request.getPath().catch(outcome.resolve) });
    const exchange = exchangeOf();
    exchange.response = { status: 200, headers: {}, source: "service" };
    await host.log(entity, exchange);
    expect(await outcome.promise).toMatchObject({ code: "PDK_CALL_FAILED" });
    expect(log.fieldsOf("plugin_server.failed")).toHaveLength(1);
  });
});

describe("a server that misbehaves", () => {
  let server: Server;

  async function misbehave(onConnection: (peer: FramePeer) => Promise<void> | void): Promise<void> {
    server = createServer((socket) => void onConnection(new FramePeer(socket)));
    await once(server.listen(socketPath), "listening");
  }

  afterEach(() => server.close());

  /** Answers the start of an instance. */
  const started = Buffer.from("08028a02110a0a7365727665726c65737310c1bfed21", "hex");

  it("is given up after ten attempts when it closes every event's connection", async () => {
    let events = 0;
    await misbehave(async (peer) => {
      for (let call = await peer.read(); call; call = await peer.read()) {
        if (call.includes("access")) {
          events += 1;
          peer.close();
        } else {
          const answer = Buffer.from(started);
          answer[1] = call[1] ?? 0;
          peer.send(answer);
        }
      }
    });
    expect(await host.access(entity, exchangeOf())).toEqual({ kind: "error", status: 500, reason: "closed" });
    expect(events).toBe(10);
  });

  it("gets an error and no retry when it is silent for longer than the read limit", async () => {
    makeHost({ readTimeoutMs: 20 });
    await misbehave(() => {});
    const outcome = await host.access(entity, exchangeOf());
    expect(outcome).toEqual({ kind: "error", status: 500, reason: "timeout" });
  });

  it("gets an error when it sends garbage", async () => {
    await misbehave((peer) => peer.sendBytes(Buffer.alloc(64, 0xff)));
    expect(await host.access(entity, exchangeOf())).toMatchObject({ kind: "error", status: 500 });
  });
});

/** Bytes in use after a garbage collection. */
function usedBytes(): number {
  setFlagsFromString("--expose-gc");
  const collectGarbage = runInNewContext("gc") as () => void;
  collectGarbage();
  return process.memoryUsage().heapUsed;
}

it("leaves memory flat over many events", async () => {
  const server = await serve({
    async access(kong) {
      if ((await kong.request.getPath()) === "/exit") await kong.response.exit(503);
    },
  });
  await makeEvents(1000);
  const before = usedBytes();
  await makeEvents(4000);
  expect(usedBytes() - before).toBeLessThan(500_000);
  await expect.poll(() => server.counts).toMatchObject({ instances: 1, runningEvents: 0 });
});

async function makeEvents(count: number): Promise<void> {
  for (let event = 0; event < count; event++) {
    await host.access(entity, exchangeOf(event % 10 === 0 ? "/exit" : "/"));
  }
}
