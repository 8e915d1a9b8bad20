import { once } from "node:events";
import { stat } from "node:fs/promises";
import { createServer } from "node:http";
import { connect, type Socket } from "node:net";
import { join } from "node:path";

import { makeSocketDirectory } from "@kong-serverless/kong-protocol/testing";
import { describe, expect, test, vi } from "vitest";

import { makeEntityParts } from "../testing/entity-parts.ts";
import { type EntityLimits, LuaEntities } from "./entities.ts";
import { LuaGateways } from "./gateways.ts";
import { LuaServer, type LuaServerOptions } from "./lua-server.ts";
import { MessageFlow } from "./message-flow.ts";

const config = { backend: [{ name: "demo", health: "/healthz", upstream: "http://127.0.0.1:9" }] };
const question = {
  entity: "entity",
  backend: 0,
  path: "/",
  method: "GET",
  headers: {},
  client: { ip: "127.0.0.1" },
};

/** A Lua server on a real socket, with everything behind it. */
async function startServer(
  options: Partial<LuaServerOptions> = {},
  { isReady = true, ...limits }: EntityLimits & { readonly isReady?: boolean } = {},
) {
  const directory = await makeSocketDirectory();
  const parts = makeEntityParts({ isReady });
  const { activator, log } = parts;
  const entities = new LuaEntities(parts, limits);
  const gateways = new LuaGateways({ ...parts, entities });
  const socketPath = join(directory.path, "http.socket");
  const server = new LuaServer({ socketPath, entities, gateways, log, ...options });
  await server.start();
  return {
    log,
    activator,
    entities,
    socketPath,
    connect: () => new Peer(socketPath),
    async [Symbol.asyncDispose]() {
      await server.stop({ graceMs: 0, idleMs: 0 });
      await directory[Symbol.asyncDispose]();
    },
  };
}

/** A connection that sends what no gateway would. */
class Peer {
  readonly socket: Socket;
  readonly closed: Promise<unknown>;
  received = "";

  constructor(path: string) {
    this.socket = connect(path);
    this.socket.on("data", (chunk) => (this.received += chunk.toString()));
    // A reset also ends it.
    this.socket.on("error", () => {});
    this.closed = once(this.socket, "close").catch(() => {});
  }

  /** @param length The length that the message declares. */
  send(path: string, body: string, length = body.length): void {
    this.socket.write(`POST ${path} HTTP/1.1\r\nhost: kong\r\ncontent-length: ${length}\r\n\r\n${body}`);
  }

  async answer(): Promise<{ status: number; body: Record<string, unknown> }> {
    const [head = "", body = ""] = await vi.waitUntil(() => {
      const parts = this.received.split("\r\n\r\n", 2);
      return parts[1]?.endsWith("}") ? parts : undefined;
    });
    this.received = "";
    return { status: Number(head.split(" ")[1]), body: JSON.parse(body) as Record<string, unknown> };
  }
}

test("the Lua server's socket is open to its user and group only", async () => {
  await using server = await startServer();
  expect((await stat(server.socketPath)).mode & 0o777).toBe(0o660);
});

describe("a peer of the Lua server", () => {
  test("loses its connection when too much is buffered for all, and most of it for this one", async () => {
    await using server = await startServer({ maxBufferedBytes: 100_000 });
    const small = server.connect();
    small.send("/report", "{", 2);
    const large = Array.from({ length: 4 }, () => server.connect());
    for (const peer of large) peer.send("/report", "x".repeat(40_000), 60_000);
    await Promise.race(large.map(({ closed }) => closed));
    await expect.poll(() => large.filter(({ socket }) => socket.closed).length).toBe(2);
    expect(small.socket.closed).toBe(false);
    small.socket.write("}");
    expect(await small.answer()).toMatchObject({ status: 400 });
  });

  test("loses its connection when it does not read the answers that it asks for", async () => {
    await using server = await startServer({ maxBufferedBytes: 100_000 });
    const peer = server.connect();
    await once(peer.socket, "connect");
    peer.socket.pause();
    const backends = Object.fromEntries(
      Array.from({ length: 1500 }, (_, nth) => [`backend-${nth}.0`, [0, 0]]),
    );
    const report = JSON.stringify({ gateway: "g", isFirst: true, backends, unreachable: {} });
    const sendMore = () => {
      for (let sent = 0; sent < 20; sent += 1) peer.send("/report", report);
      return peer.socket.errored !== null;
    };
    await expect.poll(sendMore, { timeout: 20_000 }).toBe(true);
  });

  test("loses its connection when it does not read an answer in time", async () => {
    await using directory = await makeSocketDirectory();
    const flow = new MessageFlow({ answerMs: 50 });
    const answered = Promise.withResolvers<Socket>();
    const server = createServer((request, response) => {
      flow.end(response, "x".repeat(1_000_000));
      answered.resolve(request.socket);
    });
    const path = join(directory.path, "http.socket");
    await once(server.listen(path), "listening");
    const peer = new Peer(path);
    peer.socket.pause();
    peer.send("/report", "{}");
    const answering = await answered.promise;
    await expect.poll(() => answering.destroyed).toBe(true);
    peer.socket.destroy();
    server.close();
  });

  test("loses its connection when it does not send the rest of a message in time", async () => {
    await using server = await startServer({ heartbeatMs: 150 });
    const peer = server.connect();
    peer.send("/requests", "{", 100);
    await peer.closed;
    expect(peer.received).toContain("408");
  });

  test.each([
    ["/requests", 1024 * 1024 + 1],
    ["/report", 8 * 1024 * 1024 + 1],
  ])("loses its connection when a message to %s is longer than %i bytes", async (path, bytes) => {
    await using server = await startServer();
    const peer = server.connect();
    peer.send(path, " ".repeat(bytes));
    await peer.closed;
    await expect
      .poll(() => server.log.fieldsOf("message.invalid"))
      .toMatchObject([{ error: { code: "FRAME_TOO_LARGE" } }]);
  });
});

describe("configurations", () => {
  const ids = ["a", "b", "c"];

  test("are forgotten, the least recently used first, when they are too long together", () => {
    const entities = new LuaEntities(makeEntityParts(), { maxConfigTotalBytes: 2500 });
    for (const id of ids) entities.add(id, { filling: "x".repeat(1000) });
    expect(ids.filter((id) => entities.has(id))).toEqual(["b", "c"]);
  });

  test("are forgotten, the least recently used first, when there are too many", () => {
    const entities = new LuaEntities(makeEntityParts(), { maxEntities: 2 });
    for (const id of ids) entities.add(id, config);
    expect(ids.filter((id) => entities.has(id))).toEqual(["b", "c"]);
  });

  test("are 10,000 at most", () => {
    const entities = new LuaEntities(makeEntityParts());
    for (let nth = 0; nth <= 10_000; nth += 1) entities.add(`entity-${nth}`, {});
    expect(["entity-0", "entity-1", "entity-10000"].map((id) => entities.has(id))).toEqual([
      false,
      true,
      true,
    ]);
  });

  test("stay while a request of theirs is held, and another is not taken until there is room", async () => {
    await using server = await startServer({}, { maxEntities: 1, isReady: false });
    const held = server.connect();
    held.send("/requests", JSON.stringify({ ...question, configuration: config }));
    await expect.poll(() => server.activator.demand("demo").held).toBe(1);
    const other = server.connect();
    other.send("/requests", JSON.stringify({ ...question, entity: "other", configuration: config }));
    expect(await other.answer()).toMatchObject({ status: 409 });
    held.socket.destroy();
    await expect.poll(() => server.activator.demand("demo").held).toBe(0);
    other.send("/requests", JSON.stringify({ ...question, entity: "other", configuration: { backend: [] } }));
    expect(await other.answer()).toMatchObject({ status: 200, body: { kind: "exit", status: 503 } });
    expect([server.entities.has("entity"), server.entities.has("other")]).toEqual([false, true]);
  });

  test("that are too long are not parsed, and their requests are answered 503", async () => {
    await using server = await startServer();
    const peer = server.connect();
    peer.send("/requests", JSON.stringify(question));
    expect(await peer.answer()).toMatchObject({ status: 409 });
    const configuration = { ...config, filling: "x".repeat(70_000) };
    peer.send("/requests", JSON.stringify({ ...question, configuration }));
    expect(await peer.answer()).toMatchObject({ status: 200, body: { kind: "exit", status: 503 } });
    expect(server.activator.backends).toEqual([]);
    const [{ error } = {}] = server.log.fieldsOf("instance.refused");
    expect(String(error)).toContain("at most 65536");
  });
});
