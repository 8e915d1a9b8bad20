import { once } from "node:events";
import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { text } from "node:stream/consumers";

import { KongHost } from "@kong-serverless/kong-host";
import { makeSocketDirectory } from "@kong-serverless/kong-protocol/testing";
import { type Kong, PluginServer } from "@kong-serverless/plugin-server";
import { freePort, listen } from "@kong-serverless/runtime";
import { expect, it, onTestFinished } from "vitest";
import { WebSocket, WebSocketServer } from "ws";

import { Journal, type JournalEntry } from "../journal.ts";
import { kinds } from "../manifests/kinds.ts";
import { PlaygroundGateway } from "./gateway.ts";

type PluginHandlers = { readonly access?: (kong: Kong) => Promise<void> };

type BackendHandler = (request: IncomingMessage, response: ServerResponse) => unknown;

/** What the log phase was told about a request. */
interface Logged {
  readonly source: string;
  readonly status: number;
}

/** The gateway in front of one backend, with the plugin on its only route, `/app`. */
async function startGateway({
  access = () => Promise.resolve(),
  backend = (_, response) => response.end("hello"),
}: PluginHandlers & { backend?: BackendHandler } = {}) {
  const server = await serve(backend);
  const plugin = await servePlugin({ access });
  const { gateway, entries } = await startOn(plugin.socketPath, portOf(server));
  const url = `http://127.0.0.1:${gateway.port}`;
  return {
    server,
    gateway,
    url,
    ...plugin,
    named: (name: string) => entries.filter(({ event }) => event === name).map(({ fields }) => fields),
  };
}

async function serve(backend: BackendHandler): Promise<Server> {
  const server = createServer((incoming, response) => void backend(incoming, response));
  await listen(server, { host: "127.0.0.1", port: 0 });
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return server;
}

const portOf = (server: Server) => (server.address() as AddressInfo).port;

async function servePlugin({ access = () => Promise.resolve() }: PluginHandlers) {
  const logged: Logged[] = [];
  class Tested {
    access(kong: Kong): Promise<void> {
      return access(kong);
    }
    async log(kong: Kong): Promise<void> {
      logged.push({ source: await kong.response.getSource(), status: await kong.response.getStatus() });
    }
  }
  const directory = await makeSocketDirectory();
  const socketPath = join(directory.path, "tested.socket");
  const pluginServer = new PluginServer({
    socketPath,
    plugin: { Plugin: Tested, Name: "serverless", Version: "1.0.0", Priority: 1, Schema: [] },
  });
  await pluginServer.start();
  const stopPlugin = () => pluginServer.stop({ graceMs: 0, idleMs: 0 });
  onTestFinished(async () => {
    await stopPlugin();
    await directory[Symbol.asyncDispose]();
  });
  return { socketPath, stopPlugin, logged };
}

async function startOn(socketPath: string, upstreamPort: number) {
  const journal = new Journal();
  const entries: JournalEntry[] = [];
  journal.subscribe((entry) => entries.push(entry));
  const kong = new KongHost({ socketPath });
  const service = kinds.Service.parse({
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: "app" },
    spec: { selector: {}, ports: [{ port: 80 }] },
  });
  const gateway = await PlaygroundGateway.start({
    port: 0,
    kong,
    journal,
    routes: [
      {
        ingress: {
          name: "app",
          host: undefined,
          path: "/app",
          pathType: "Prefix",
          stripPath: false,
          service,
          servicePort: 80,
          plugin: undefined,
        },
        plugin: { id: "plugin", name: "serverless", config: {}, seq: 1 },
        upstream: { host: "127.0.0.1", port: upstreamPort },
      },
    ],
  });
  onTestFinished(async () => {
    await gateway.stop();
    await kong.close();
  });
  return { gateway, entries };
}

/** Holds requests in `access` until the test releases them or their clients leave. */
function holding() {
  const held: AbortSignal[] = [];
  const release = Promise.withResolvers<void>();
  const access = async ({ signal }: Kong) => {
    held.push(signal);
    const left = new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
    await Promise.race([release.promise, left]);
  };
  return { access, held, release: () => release.resolve() };
}

function openWebSocket(url: string, headers: Record<string, string> = {}): WebSocket {
  const socket = new WebSocket(`${url.replace("http", "ws")}/app/echo`, { headers });
  onTestFinished(() => socket.terminate());
  socket.on("error", () => {});
  return socket;
}

/** A backend that echoes WebSocket messages. */
function echoOn(server: Server): WebSocketServer {
  const sockets = new WebSocketServer({ server });
  sockets.on("connection", (socket) => {
    socket.on("message", (data, isBinary) => socket.send(data, { binary: isBinary }));
  });
  return sockets;
}

it("answers 404 where no route matches, and asks no plugin", async () => {
  const { url, logged, named } = await startGateway();
  const response = await fetch(`${url}/other`);
  expect(response.status).toBe(404);
  expect(await response.json()).toEqual({ message: "no Route matched with those values" });
  expect([logged, named("request.arrived")]).toEqual([[], []]);
});

it("proxies what the plugin lets pass, with the plugin's changes to the headers in both directions", async () => {
  const { url, logged, named } = await startGateway({
    async access(kong) {
      await kong.service.request.setHeader("x-added", "by the plugin");
      await kong.response.setHeader("x-answer", "by the plugin");
    },
    backend: ({ method, url: path, headers }, response) => {
      response.writeHead(201, { "x-answer": "by the backend", "set-cookie": ["a=1", "b=2"] });
      response.end(JSON.stringify({ method, path, headers }));
    },
  });
  const response = await fetch(`${url}/app/x%20y?q=1`, { method: "DELETE", headers: { "x-mine": "1" } });
  expect(response.status).toBe(201);
  expect(response.headers.get("x-answer")).toBe("by the plugin");
  expect(response.headers.getSetCookie()).toEqual(["a=1", "b=2"]);
  expect(await response.json()).toMatchObject({
    method: "DELETE",
    path: "/app/x%20y?q=1",
    headers: { "x-mine": "1", "x-added": "by the plugin", "x-forwarded-host": new URL(url).host },
  });
  await expect.poll(() => logged).toEqual([{ source: "service", status: 201 }]);
  expect(named("request.answered")).toMatchObject([{ status: 201 }]);
});

it("sends the plugin's own answer, and nothing to the backend", async () => {
  const requests: IncomingMessage[] = [];
  const { url, logged } = await startGateway({
    access: async (kong) => {
      await kong.response.exit(503, JSON.stringify({ code: "HOLD_TIMEOUT" }), { "retry-after": "5" });
    },
    backend: (received) => requests.push(received),
  });
  const response = await fetch(`${url}/app`);
  expect([response.status, response.headers.get("retry-after")]).toEqual([503, "5"]);
  expect(await response.json()).toEqual({ code: "HOLD_TIMEOUT" });
  await expect.poll(() => logged).toEqual([{ source: "exit", status: 503 }]);
  expect(requests).toEqual([]);
});

it("answers 500 while the plugin server is gone, and lets nothing pass", async () => {
  const { url, stopPlugin, named } = await startGateway();
  await stopPlugin();
  const response = await fetch(`${url}/app`);
  expect(response.status).toBe(500);
  expect(named("request.proxied")).toEqual([]);
  expect(named("plugin.failed")).toHaveLength(1);
});

it("answers 502 if the backend cannot be reached", async () => {
  const { socketPath, logged } = await servePlugin({});
  const { gateway } = await startOn(socketPath, await freePort());
  const response = await fetch(`http://127.0.0.1:${gateway.port}/app`);
  expect(response.status).toBe(502);
  await expect.poll(() => logged).toEqual([{ source: "error", status: 502 }]);
});

it("aborts an answer that the backend aborts, and keeps running", async () => {
  const breakOff = Promise.withResolvers<void>();
  const { url, logged } = await startGateway({
    backend: async (_, response) => {
      response.write("half of ");
      await breakOff.promise;
      response.socket?.resetAndDestroy();
    },
  });
  const response = await fetch(`${url}/app`);
  breakOff.resolve();
  await expect(response.text()).rejects.toThrow("terminated");
  await expect.poll(() => logged).toEqual([{ source: "service", status: 200 }]);
  expect((await fetch(`${url}/other`)).status).toBe(404);
});

it("tells the plugin about a client that leaves while held, and logs 499", async () => {
  const { access, held } = holding();
  const { url, logged, named } = await startGateway({ access });
  const client = new AbortController();
  const answer = fetch(`${url}/app`, { signal: client.signal });
  await expect.poll(() => held).toHaveLength(1);
  client.abort();
  await expect(answer).rejects.toThrow("aborted");
  await expect.poll(() => held[0]?.aborted).toBe(true);
  await expect.poll(() => logged).toEqual([{ source: "error", status: 499 }]);
  expect([named("request.proxied"), named("request.answered")]).toMatchObject([[], [{ status: 499 }]]);
});

it("tells the backend about a client that leaves while it works, logs 499, and reports no failure", async () => {
  const received: IncomingMessage[] = [];
  const { url, logged, named } = await startGateway({ backend: (incoming) => received.push(incoming) });
  const client = new AbortController();
  const answer = fetch(`${url}/app`, { signal: client.signal });
  await expect.poll(() => received).toHaveLength(1);
  client.abort();
  await expect(answer).rejects.toThrow("aborted");
  await expect.poll(() => received[0]?.socket.destroyed).toBe(true);
  await expect.poll(() => logged).toEqual([{ source: "service", status: 499 }]);
  expect(named("upstream.failed")).toEqual([]);
});

it("passes on a streamed answer chunk by chunk", async () => {
  const chunks = ["one", "two", "three"];
  const next = chunks.map(() => Promise.withResolvers<void>());
  const { url } = await startGateway({
    backend: async (_, response) => {
      for (const [index, chunk] of chunks.entries()) {
        response.write(chunk);
        await next[index]?.promise;
      }
      response.end();
    },
  });
  const response = await fetch(`${url}/app`);
  const decoder = new TextDecoder();
  const seen: string[] = [];
  for await (const chunk of response.body ?? []) {
    seen.push(decoder.decode(chunk));
    // The backend sends no more until this chunk has arrived.
    next[seen.length - 1]?.resolve();
  }
  expect(seen).toEqual(chunks);
});

it("passes on an upload of 5 MB, held or not", async () => {
  const { access, held, release } = holding();
  const { url } = await startGateway({
    access,
    backend: async (incoming, response) => {
      let bytes = 0;
      for await (const chunk of incoming) bytes += (chunk as Buffer).length;
      response.end(String(bytes));
    },
  });
  const upload = fetch(`${url}/app`, { method: "POST", body: Buffer.alloc(5_000_000) });
  await expect.poll(() => held).toHaveLength(1);
  release();
  expect(await (await upload).text()).toBe("5000000");
});

it("opens WebSockets that the plugin lets pass, and logs them when they close", async () => {
  const { access, held, release } = holding();
  const { url, server, logged } = await startGateway({ access });
  echoOn(server);
  const socket = openWebSocket(url);
  await expect.poll(() => held).toHaveLength(1);
  release();
  await once(socket, "open");
  socket.send("hello");
  const [message] = (await once(socket, "message")) as [Buffer];
  expect(message.toString()).toBe("hello");
  expect(logged).toEqual([]);
  socket.close();
  await expect.poll(() => logged).toEqual([{ source: "service", status: 101 }]);
});

it("refuses a WebSocket that the plugin answers itself", async () => {
  const { url, logged } = await startGateway({
    access: async (kong) => {
      await kong.response.exit(503, "asleep");
    },
  });
  const [, response] = (await once(openWebSocket(url), "unexpected-response")) as [unknown, IncomingMessage];
  expect([response.statusCode, await text(response)]).toEqual([503, "asleep"]);
  await expect.poll(() => logged).toEqual([{ source: "exit", status: 503 }]);
});

it("answers 502 to a WebSocket whose backend cannot be reached", async () => {
  const { socketPath, logged } = await servePlugin({});
  const { gateway } = await startOn(socketPath, await freePort());
  const socket = openWebSocket(`http://127.0.0.1:${gateway.port}`);
  const [, response] = (await once(socket, "unexpected-response")) as [unknown, IncomingMessage];
  expect(response.statusCode).toBe(502);
  await expect.poll(() => logged).toEqual([{ source: "error", status: 502 }]);
});

it("logs the answer of a backend that opens no WebSocket", async () => {
  const { url, logged } = await startGateway({
    backend: (_, response) => response.writeHead(426).end("no"),
  });
  const [, response] = (await once(openWebSocket(url), "unexpected-response")) as [unknown, IncomingMessage];
  expect(response.statusCode).toBe(426);
  response.resume();
  await expect.poll(() => logged).toEqual([{ source: "service", status: 426 }]);
});

it("tells the plugin about a WebSocket's client that leaves while held", async () => {
  const { access, held } = holding();
  const { url, logged } = await startGateway({ access });
  const socket = openWebSocket(url);
  await expect.poll(() => held).toHaveLength(1);
  socket.terminate();
  await expect.poll(() => held[0]?.aborted).toBe(true);
  await expect.poll(() => logged).toEqual([{ source: "error", status: 499 }]);
});

it("ignores another protocol that a request offers", async () => {
  const { url } = await startGateway();
  const offering = request(`${url}/app`, {
    headers: { connection: "upgrade, http2-settings", upgrade: "h2c" },
  });
  offering.end();
  const [response] = (await once(offering, "response")) as [IncomingMessage];
  expect([response.statusCode, await text(response)]).toEqual([200, "hello"]);
});

it("stops with requests held, WebSockets held and WebSockets open", async () => {
  const { access, held } = holding();
  const { url, server, gateway } = await startGateway({
    access: async (kong) => {
      if ((await kong.request.getHeader("x-hold")) !== undefined) await access(kong);
    },
  });
  echoOn(server);
  const open = openWebSocket(url);
  await once(open, "open");
  const heldSocket = openWebSocket(url, { "x-hold": "yes" });
  const heldRequest = fetch(`${url}/app`, { headers: { "x-hold": "yes" } }).catch(String);
  await expect.poll(() => held).toHaveLength(2);
  const closed = Promise.all([
    ...[open, heldSocket].map((socket) => new Promise((resolve) => socket.once("close", resolve))),
    heldRequest,
  ]);
  await gateway.stop();
  await closed;
  await expect.poll(() => held.map(({ aborted }) => aborted)).toEqual([true, true]);
});
