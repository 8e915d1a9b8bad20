import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { join } from "node:path";

import { Activator } from "@kong-serverless/activator";
import { makeSocketDirectory } from "@kong-serverless/kong-protocol/testing";
import { RecordingLog } from "@kong-serverless/testing";
import { describe, expect, test, vi } from "vitest";

import { Metrics } from "../metrics.ts";
import { Traces } from "../traces.ts";
import { WaitingPage } from "../waiting-page.ts";
import { LuaEntities } from "./entities.ts";
import { LuaGateways } from "./gateways.ts";
import { HttpDoor, type HttpDoorOptions } from "./http-door.ts";

const config = { backend: [{ name: "demo", health: "/healthz", upstream: "http://127.0.0.1:9" }] };
const question = {
  entity: "entity",
  backend: 0,
  path: "/",
  method: "GET",
  headers: {},
  client: { ip: "127.0.0.1" },
};

function newActivator(): Activator {
  return new Activator({
    publishWake: async () => {},
    probe: async () => ({ isReady: true, durationMs: 0 }),
    observe: () => {},
  });
}

/** The door on a real socket, with everything behind it. */
async function openDoor(options: Partial<HttpDoorOptions> = {}) {
  const directory = await makeSocketDirectory();
  const log = new RecordingLog();
  const activator = newActivator();
  const parts = {
    activator,
    metrics: new Metrics(),
    traces: new Traces(log),
    waitingPage: new WaitingPage(undefined, log),
    log,
  };
  const entities = new LuaEntities(parts);
  const gateways = new LuaGateways({ ...parts, entities });
  const socketPath = join(directory.path, "http.socket");
  const door = new HttpDoor({ socketPath, entities, gateways, log, ...options });
  await door.start();
  return {
    log,
    activator,
    connect: () => new Peer(socketPath),
    async [Symbol.asyncDispose]() {
      await door.stop({ graceMs: 0, idleMs: 0 });
      await directory[Symbol.asyncDispose]();
    },
  };
}

/** A connection that sends what a gateway would not. */
class Peer {
  readonly socket: Socket;
  readonly closed: Promise<unknown>;
  received = "";

  constructor(path: string) {
    this.socket = connect(path);
    this.socket.on("data", (chunk) => (this.received += chunk.toString()));
    // A reset is an end too.
    this.socket.on("error", () => {});
    this.closed = once(this.socket, "close").catch(() => {});
  }

  /** @param length How long the message is said to be. */
  send(path: string, body: string, length = body.length): void {
    this.socket.write(`POST ${path} HTTP/1.1\r\nhost: door\r\ncontent-length: ${length}\r\n\r\n${body}`);
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

describe("a peer of the door", { timeout: 30_000 }, () => {
  test("loses its connection when all keep too much, and it most of that", async () => {
    await using door = await openDoor({ maxBufferedBytes: 100_000 });
    const small = door.connect();
    small.send("/report", "{", 2);
    const large = Array.from({ length: 4 }, () => door.connect());
    for (const peer of large) peer.send("/report", "x".repeat(40_000), 60_000);
    await Promise.race(large.map(({ closed }) => closed));
    await expect.poll(() => large.filter(({ socket }) => socket.closed).length).toBe(2);
    expect(small.socket.closed).toBe(false);
    small.socket.write("}");
    expect(await small.answer()).toMatchObject({ status: 400 });
  });

  test("loses its connection when it does not read the answers that it asks for", async () => {
    await using door = await openDoor({ maxBufferedBytes: 100_000 });
    const peer = door.connect();
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

  test("loses its connection when it does not send the rest of a message in time", async () => {
    await using door = await openDoor({ heartbeatMs: 150 });
    const peer = door.connect();
    peer.send("/requests", "{", 100);
    await peer.closed;
    expect(peer.received).toContain("408");
  });

  test.each([
    ["/requests", 1024 * 1024 + 1],
    ["/report", 8 * 1024 * 1024 + 1],
  ])("loses its connection when a message to %s is longer than %i bytes", async (path, bytes) => {
    await using door = await openDoor();
    const peer = door.connect();
    peer.send(path, " ".repeat(bytes));
    await peer.closed;
    await expect
      .poll(() => door.log.fieldsOf("door.failed"))
      .toMatchObject([{ error: { code: "FRAME_TOO_LARGE" } }]);
  });
});

describe("configurations over the door", { timeout: 30_000 }, () => {
  test("go, the one unused for longest first, when they are too long together", () => {
    const log = new RecordingLog();
    const activator = newActivator();
    const parts = {
      activator,
      metrics: new Metrics(),
      traces: new Traces(log),
      waitingPage: new WaitingPage(undefined, log),
      log,
    };
    const entities = new LuaEntities(parts, 2500);
    for (const id of ["a", "b", "c"]) entities.add(id, { filling: "x".repeat(1000) });
    expect(["a", "b", "c"].filter((id) => entities.has(id))).toEqual(["b", "c"]);
  });

  test("are not parsed when one is too long, and its requests are answered 503", async () => {
    await using door = await openDoor();
    const peer = door.connect();
    peer.send("/requests", JSON.stringify(question));
    expect(await peer.answer()).toMatchObject({ status: 409 });
    const configuration = { ...config, filling: "x".repeat(70_000) };
    peer.send("/requests", JSON.stringify({ ...question, configuration }));
    expect(await peer.answer()).toMatchObject({ status: 200, body: { kind: "exit", status: 503 } });
    expect(door.activator.backends).toEqual([]);
    const [{ error } = {}] = door.log.fieldsOf("instance.refused");
    expect(String(error)).toContain("at most 65536");
  });
});
