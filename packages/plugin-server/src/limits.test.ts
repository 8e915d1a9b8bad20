import { encodeFrames } from "@kong-serverless/kong-protocol";
import { encodeCall, FramePeer, KongPeer } from "@kong-serverless/kong-protocol/testing";
import { describe, expect, it, vi } from "vitest";

import { pluginOf, serve } from "./testing/served-plugin.ts";

/** A plugin whose instances say when they are constructed and closed. */
function recordedPlugin() {
  const events: string[] = [];
  class Recorded {
    readonly #name: string;

    constructor(config: { name?: string }) {
      this.#name = config.name ?? "";
      events.push(`constructed ${this.#name}`);
    }

    access(): void {
      events.push(`access ${this.#name}`);
    }

    close(): void {
      events.push(`closed ${this.#name}`);
    }
  }
  return { plugin: { ...pluginOf({}), Plugin: Recorded as never }, events };
}

describe("instances", () => {
  it("rest when long unused, and come back for an event without Kong noticing", async () => {
    const { plugin, events } = recordedPlugin();
    await using served = await serve(plugin, { restAfterMs: 20 });
    const kong = await KongPeer.connect(served.socketPath);
    const instanceId = await kong.startInstance({ name: "a" });
    await expect.poll(() => events).toEqual(["constructed a", "closed a"]);
    expect(served.server.counts.instances).toBe(1);
    kong.handleEvent(instanceId);
    expect(await kong.readEnd()).toBeDefined();
    expect(events.slice(2, 4)).toEqual(["constructed a", "access a"]);
    const status = await kong.call({ case: "getInstanceStatus", value: { instanceId } });
    expect(status?.result).toMatchObject({ value: { instanceId } });
  });

  it("do not rest while an event of theirs runs", async () => {
    const released = Promise.withResolvers<void>();
    let closedIdle = 0;
    let closedBusy = 0;
    class Recorded {
      #isBusy = false;

      async access(): Promise<void> {
        this.#isBusy = true;
        await released.promise;
        this.#isBusy = false;
      }

      close(): void {
        if (this.#isBusy) closedBusy += 1;
        else closedIdle += 1;
      }
    }
    await using served = await serve({ ...pluginOf({}), Plugin: Recorded }, { restAfterMs: 10 });
    const kong = await KongPeer.connect(served.socketPath);
    kong.handleEvent(await kong.startInstance());
    await expect.poll(() => served.server.counts.runningEvents).toBe(1);
    const other = await KongPeer.connect(served.socketPath);
    for (let start = 0; start < 3; start += 1) await other.startInstance();
    await expect.poll(() => closedIdle).toBeGreaterThanOrEqual(3);
    expect(closedBusy).toBe(0);
    released.resolve();
    expect(await kong.readEnd()).toBeDefined();
  });

  it("are closed, the one unused for longest first, when their configurations together are too long", async () => {
    const { plugin, events } = recordedPlugin();
    await using served = await serve(plugin, { maxConfigTotalBytes: 2500 });
    const kong = await KongPeer.connect(served.socketPath);
    for (const name of ["a", "b", "c"]) await kong.startInstance({ name, filling: "x".repeat(1000) });
    expect(events).toEqual(["constructed a", "constructed b", "closed a", "constructed c"]);
    expect(served.server.counts.instances).toBe(2);
  });
});

describe("instances in use", () => {
  it("are not closed for others, which are refused while there is no room", async () => {
    const released = Promise.withResolvers<void>();
    await using served = await serve({ access: () => released.promise }, { maxConfigTotalBytes: 2500 });
    const busy = await Promise.all([1, 2].map(() => KongPeer.connect(served.socketPath)));
    for (const kong of busy) kong.handleEvent(await kong.startInstance({ filling: "x".repeat(1000) }));
    await vi.waitFor(() => expect(served.server.counts.runningEvents).toBe(2));
    const kong = await KongPeer.connect(served.socketPath);
    kong.handleEvent(await kong.startInstance({ filling: "x".repeat(1000) }));
    expect(await kong.readText()).toBe("kong.response.exit");
    expect(served.log.fieldsOf("plugin.start_failed")).toHaveLength(1);
    released.resolve();
    for (const peer of busy) expect(await peer.readEnd()).toBeDefined();
  });
});

describe("a peer that guesses the id of another's instance", () => {
  it("does not learn its configuration", async () => {
    await using served = await serve({});
    const kong = await KongPeer.connect(served.socketPath);
    const instanceId = await kong.startInstance({ probeHeaders: { authorization: "secret" } });
    const other = await KongPeer.connect(served.socketPath);
    other.send({ case: "getInstanceStatus", value: { instanceId } });
    expect(await other.readText()).not.toContain("secret");
  });
});

describe("a configuration that is too long", () => {
  it("is neither parsed nor kept, and its events are answered 503", async () => {
    const { plugin, events } = recordedPlugin();
    await using served = await serve(plugin);
    const kong = await KongPeer.connect(served.socketPath);
    const instanceId = await kong.startInstance({ name: "x".repeat(70_000) });
    kong.handleEvent(instanceId);
    expect(await kong.readText()).toBe("kong.response.exit");
    expect(events).toEqual([]);
    expect(served.log.fieldsOf("plugin.start_failed")).toMatchObject([{ error: { code: "CONFIG_INVALID" } }]);
  });

  it("has its connection closed when its frame is longer than 1 MiB, before it has arrived", async () => {
    await using served = await serve({});
    const peer = await FramePeer.connect(served.socketPath);
    peer.sendBytes(Buffer.of(1, 0, 16, 0));
    expect(await peer.read()).toBeUndefined();
    expect(served.log.fieldsOf("connection.garbled")).toMatchObject([{ error: { code: "FRAME_TOO_LARGE" } }]);
  });
});

function half(bytes: number): Buffer {
  return encodeFrames(Buffer.alloc(bytes)).subarray(0, -1);
}

describe("a peer that makes the server keep bytes", () => {
  it("loses its connection when the limit for all is exceeded and it has the most", async () => {
    await using served = await serve({}, { maxBufferedBytes: 100_000 });
    const small = await FramePeer.connect(served.socketPath);
    small.sendBytes(half(10));
    const peers = await Promise.all(Array.from({ length: 8 }, () => FramePeer.connect(served.socketPath)));
    for (const peer of peers) peer.sendBytes(half(40_000));
    await expect.poll(() => served.log.fieldsOf("connection.hoarded")).toHaveLength(6);
    expect(served.server.counts.connections).toBe(3);
    small.sendBytes(Buffer.of(0));
    expect(await small.read()).toBeUndefined();
    expect(served.log.fieldsOf("connection.garbled")).toHaveLength(1);
  });

  it("loses its connection when it does not send the rest of a frame in time", async () => {
    await using served = await serve({}, { heartbeatMs: 20 });
    const peer = await FramePeer.connect(served.socketPath);
    peer.sendBytes(Buffer.of(9));
    expect(await peer.read()).toBeUndefined();
    expect(served.log.fieldsOf("connection.stalled")).toHaveLength(1);
  });

  it("is not served on while it reads nothing, whatever it sends, and loses its connection", async () => {
    const handled = vi.fn<() => void>();
    await using served = await serve({ access: handled }, { heartbeatMs: 200 });
    const kong = await KongPeer.connect(served.socketPath);
    const instanceId = await kong.startInstance();
    kong.frames.socket.pause();
    const event = encodeCall(1, { case: "handleEvent", value: { instanceId, eventName: "access" } });
    const sent = 100_000;
    const stream = Buffer.concat(Array<Buffer>(1000).fill(encodeFrames(event)));
    for (let thousand = 0; thousand < sent / 1000; thousand += 1) kong.frames.sendBytes(stream);
    await expect.poll(() => served.log.fieldsOf("connection.stalled")).toHaveLength(1);
    expect(handled.mock.calls.length).toBeLessThan(sent);
    await expect.poll(() => served.server.counts.connections).toBe(0);
  });

  it("is served for a few milliseconds at a time, so that others come in between", async () => {
    const turns: string[] = [];
    const access = () => {
      turns.push("access");
      for (const untilMs = performance.now() + 1; performance.now() < untilMs;);
    };
    await using served = await serve({ access });
    const many = await KongPeer.connect(served.socketPath);
    const other = await KongPeer.connect(served.socketPath);
    const instanceId = await many.startInstance();
    const event = encodeCall(1, { case: "handleEvent", value: { instanceId, eventName: "access" } });
    many.frames.send(...Array<Uint8Array>(50).fill(event));
    await other.call({ case: "getPluginNames", value: {} });
    const servedBefore = turns.length;
    await expect.poll(() => turns).toHaveLength(50);
    expect(servedBefore).toBeLessThan(50);
  });
});
