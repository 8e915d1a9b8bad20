import { pdk } from "@kong-serverless/kong-protocol";
import { type CallInit, encodeCall, KongPeer } from "@kong-serverless/kong-protocol/testing";
import { describe, expect, it, onTestFinished, vi } from "vitest";

import type { Kong, PluginModule } from "./index.ts";
import { pluginOf, serve } from "./testing/served-plugin.ts";

const text = (value: string) => pdk.request.getPath.result.encode(value);

function readExit(argument: Buffer | undefined): { status: number; body: string } {
  const [status, body = ""] = pdk.response.exit.arguments.decode(argument ?? Buffer.alloc(0));
  return { status, body: Buffer.from(body).toString() };
}

describe("Kong's calls", () => {
  it("names the plugin and describes it", async () => {
    await using served = await serve({ access() {}, log() {} });
    const kong = await KongPeer.connect(served.socketPath);
    const names = await kong.call({ case: "getPluginNames", value: {} });
    expect(names).toMatchObject({ sequence: 1n, result: { value: { names: ["tested"] } } });
    const info = await kong.call({ case: "getPluginInfo", value: { name: "tested" } });
    expect(info?.result.value).toMatchObject({ version: "1.0.0", priority: 1, phases: ["access", "log"] });
  });

  it("answers what it does not know with an empty result", async () => {
    await using served = await serve({});
    const kong = await KongPeer.connect(served.socketPath);
    expect((await kong.call({ case: undefined }))?.result.case).toBeUndefined();
    expect(
      (await kong.call({ case: "getPluginInfo", value: { name: "other" } }))?.result.case,
    ).toBeUndefined();
  });

  it("starts instances with positive ids, shows and closes them", async () => {
    const close = vi.fn<() => void>();
    await using served = await serve({ access() {}, close });
    const kong = await KongPeer.connect(served.socketPath);
    const instanceId = await kong.startInstance({ topic: "jobs" });
    expect(instanceId).toBeGreaterThan(0);
    const status = await kong.call({ case: "getInstanceStatus", value: { instanceId } });
    expect(status?.result.value).toMatchObject({ name: "tested", instanceId });
    const closed = await kong.call({ case: "closeInstance", value: { instanceId } });
    expect(closed?.result.value).toMatchObject({ name: "tested", instanceId });
    expect(close).toHaveBeenCalledOnce();
    expect(served.server.counts.instances).toBe(0);
  });

  it.each<CallInit>([
    { case: "handleEvent", value: { instanceId: 1, eventName: "access" } },
    { case: "getInstanceStatus", value: { instanceId: 1 } },
    { case: "closeInstance", value: { instanceId: 1 } },
  ])("closes the connection of a call for an instance that there is not ($case)", async (call) => {
    await using served = await serve({});
    const kong = await KongPeer.connect(served.socketPath);
    expect(await kong.call(call)).toBeUndefined();
  });

  it("answers calls whose bytes arrive one by one, and calls that arrive together", async () => {
    await using served = await serve({});
    const kong = await KongPeer.connect(served.socketPath);
    const call = encodeCall(7, { case: "getPluginNames", value: {} });
    const stream = Buffer.from([call.length, 0, 0, 0, ...call]);
    for (const byte of stream) kong.frames.sendBytes(Buffer.of(byte));
    kong.frames.sendBytes(Buffer.concat([stream, stream]));
    const answers = await Promise.all([1, 2, 3].map(() => kong.frames.read()));
    expect(new Set(answers.map((answer) => answer?.toString("hex"))).size).toBe(1);
  });

  it("reads no further while a peer does not read its answers, and then answers them all", async () => {
    await using served = await serve({ access() {} });
    const other = await KongPeer.connect(served.socketPath);
    const { frames } = await KongPeer.connect(served.socketPath);
    frames.socket.pause();
    const call = encodeCall(7, { case: "getPluginInfo", value: { name: "tested" } });
    const calls = 30_000;
    frames.send(...Array<Uint8Array>(calls).fill(call));
    for (let turn = 0; turn < 100; turn += 1) await other.call({ case: "getPluginNames", value: {} });
    expect(frames.socket.writableLength).toBeGreaterThan(0);
    frames.socket.resume();
    for (let answer = 0; answer < calls; answer += 1) expect(await frames.read()).toBeDefined();
  });

  it("accepts an answer that arrived while the process was stalled", async () => {
    const path = Promise.withResolvers<string>();
    await using served = await serve(
      { access: async (kong: Kong) => path.resolve(await kong.request.getPath()) },
      { heartbeatMs: 50 },
    );
    const kong = await KongPeer.connect(served.socketPath);
    kong.handleEvent(await kong.startInstance());
    await kong.frames.read();
    await kong.frames.read();
    kong.frames.send(text("/a"));
    const standsStillUntilMs = performance.now() + 100;
    while (performance.now() < standsStillUntilMs);
    expect(await path.promise).toBe("/a");
    expect(await kong.readEnd()).toBeDefined();
  });

  it("closes the connection of a peer that sends garbage, and keeps serving the others", async () => {
    await using served = await serve({}, { maxFrameBytes: 1000 });
    const other = await KongPeer.connect(served.socketPath);
    for (const garbage of [Buffer.from("GET / HTTP/1.1\r\n\r\n"), Buffer.of(2, 0, 0, 0, 255, 255)]) {
      const peer = await KongPeer.connect(served.socketPath);
      peer.frames.sendBytes(garbage);
      expect(await peer.readText()).toBe("closed");
    }
    expect(served.log.fieldsOf("connection.garbled")).toHaveLength(2);
    expect(await other.call({ case: "getPluginNames", value: {} })).toBeDefined();
  });
});

describe("events", () => {
  it("ends an event of a phase that the plugin does not have", async () => {
    await using served = await serve({ access() {} });
    const kong = await KongPeer.connect(served.socketPath);
    const instanceId = await kong.startInstance();
    for (const phase of ["rewrite", "constructor"]) {
      kong.handleEvent(instanceId, phase);
      expect(await kong.readEnd()).toBeDefined();
    }
  });

  it("sends PDK calls that are made at once without waiting, and gives each its own answer", async () => {
    const seen: unknown[] = [];
    await using served = await serve({
      access(kong: Kong) {
        void kong.request.getPath().then((path) => seen.push(path));
        void kong.request.getMethod().then((method) => seen.push(method));
      },
    });
    const kong = await KongPeer.connect(served.socketPath);
    kong.handleEvent(await kong.startInstance());
    const sent = [await kong.readText(), await kong.readText(), await kong.readText(), await kong.readText()];
    expect(sent).toEqual(["kong.request.get_path", "", "kong.request.get_method", ""]);
    kong.frames.send(text("/a"), text("GET"));
    expect(await kong.readEnd()).toBeDefined();
    expect(seen).toEqual(["/a", "GET"]);
  });

  it("sends exit only when the calls before it are answered", async () => {
    await using served = await serve({
      async access(kong: Kong) {
        void kong.response.setHeader("x-a", "b");
        await kong.response.exit(418);
      },
    });
    const kong = await KongPeer.connect(served.socketPath);
    kong.handleEvent(await kong.startInstance());
    expect([await kong.readText(), (await kong.frames.read()) === undefined]).toEqual([
      "kong.response.set_header",
      false,
    ]);
    const next = kong.readText();
    const isWaiting = await Promise.race([
      next.then(() => false),
      new Promise((resolve) => setImmediate(resolve, true)),
    ]);
    expect(isWaiting).toBe(true);
    kong.frames.send(Buffer.alloc(0));
    expect(await next).toBe("kong.response.exit");
  });

  it("sends nothing after an exit, whatever the plugin does then", async () => {
    const after = Promise.withResolvers<unknown>();
    await using served = await serve({
      async access(kong: Kong) {
        await kong.response.exit(403, "no");
        await kong.request.getPath().catch(after.resolve);
        throw new Error("still here");
      },
    });
    const kong = await KongPeer.connect(served.socketPath);
    kong.handleEvent(await kong.startInstance());
    expect(await kong.readText()).toBe("kong.response.exit");
    expect(readExit(await kong.frames.read())).toEqual({ status: 403, body: "no" });
    expect(await after.promise).toMatchObject({ code: "PDK_CALL_FAILED" });
    await expect.poll(() => served.log.fieldsOf("plugin.failed_after_end")).toHaveLength(1);
    expect(served.server.counts.runningEvents).toBe(0);
    const next = kong.readText();
    kong.handleEvent(1);
    expect(await next).toBe("closed");
  });

  it.each([
    [
      "throws",
      () => {
        throw new Error("secret");
      },
    ],
    ["rejects", () => Promise.reject(new Error("secret"))],
  ])("answers 503 for a plugin that %s, and tells only the log why", async (_, access) => {
    await using served = await serve({ access });
    const kong = await KongPeer.connect(served.socketPath);
    kong.handleEvent(await kong.startInstance());
    expect(await kong.readText()).toBe("kong.response.exit");
    const { status, body } = readExit(await kong.frames.read());
    expect(status).toBe(503);
    expect(JSON.parse(body)).toMatchObject({ code: "PLUGIN_FAILED", status: 503 });
    expect(body).not.toContain("secret");
    expect(served.log.fieldsOf("plugin.failed")).toMatchObject([
      { phase: "access", error: { message: "secret" } },
    ]);
  });

  it("ends a log event whose plugin throws: there is nothing left to answer", async () => {
    await using served = await serve({ log: () => Promise.reject(new Error("no")) });
    const kong = await KongPeer.connect(served.socketPath);
    kong.handleEvent(await kong.startInstance(), "log");
    expect(await kong.readEnd()).toBeDefined();
  });

  it("answers 503 for a plugin that cannot be constructed, for every event of that instance", async () => {
    class Refusing {
      constructor() {
        throw new Error("count: found -1");
      }
      access() {}
    }
    const plugin: PluginModule = { ...pluginOf({}), Plugin: Refusing };
    await using served = await serve(plugin);
    const kong = await KongPeer.connect(served.socketPath);
    kong.handleEvent(await kong.startInstance({ count: -1 }));
    expect(await kong.readText()).toBe("kong.response.exit");
    expect(readExit(await kong.frames.read()).status).toBe(503);
    expect(served.log.fieldsOf("plugin.start_failed")).toHaveLength(1);
  });

  it("aborts the signal and rejects the call under way when Kong closes the connection", async () => {
    const lost = Promise.withResolvers<unknown[]>();
    await using served = await serve({
      async access(kong: Kong) {
        const aborted = new Promise((resolve) => kong.signal.addEventListener("abort", resolve));
        const call = kong.request.getPath().catch((error: unknown) => error);
        lost.resolve([(await call) instanceof Error, (await aborted) instanceof Event]);
      },
    });
    const kong = await KongPeer.connect(served.socketPath);
    kong.handleEvent(await kong.startInstance());
    expect(await kong.readText()).toBe("kong.request.get_path");
    kong.frames.close();
    expect(await lost.promise).toEqual([true, true]);
    await expect.poll(() => served.server.counts).toMatchObject({ connections: 0, runningEvents: 0 });
  });

  it("makes a call now and then, between the plugin's own, so that Kong's read timeout does not expire", async () => {
    const released = Promise.withResolvers<void>();
    await using served = await serve(
      {
        async access(kong: Kong) {
          await released.promise;
          await kong.response.setHeader("x-held", "1");
        },
      },
      { heartbeatMs: 20 },
    );
    const kong = await KongPeer.connect(served.socketPath);
    kong.handleEvent(await kong.startInstance());
    for (let beat = 1; beat <= 3; beat++) {
      expect(await kong.readText()).toBe("kong.nginx.get_subsystem");
      expect(await kong.readText()).toBe("");
      if (beat === 3) released.resolve();
      kong.frames.send(text("http"));
    }
    expect(await kong.readText()).toBe("kong.response.set_header");
    await kong.frames.read();
    kong.frames.send(Buffer.alloc(0));
    expect(await kong.readEnd()).toBeDefined();
  });

  it("gives up a connection whose PDK call stays unanswered", async () => {
    await using served = await serve({ access: (kong: Kong) => kong.log.info("hello") }, { heartbeatMs: 20 });
    const kong = await KongPeer.connect(served.socketPath);
    kong.handleEvent(await kong.startInstance());
    expect(await kong.readText()).toBe("kong.log.info");
    await kong.frames.read();
    expect(await kong.readText()).toBe("closed");
    expect(served.log.fieldsOf("kong.unresponsive")).toHaveLength(1);
  });

  it("rejects a call whose result cannot be read, and stays in step", async () => {
    const outcome = Promise.withResolvers<unknown>();
    await using served = await serve({
      async access(kong: Kong) {
        await kong.request.getPath().catch(outcome.resolve);
      },
    });
    const kong = await KongPeer.connect(served.socketPath);
    kong.handleEvent(await kong.startInstance());
    await kong.frames.read();
    await kong.frames.read();
    kong.frames.send(Buffer.of(0x0a, 0xff));
    expect(await outcome.promise).toMatchObject({ code: "PDK_CALL_FAILED" });
    expect(await kong.readEnd()).toBeDefined();
  });

  it("passes on a path and a header that are not UTF-8", async () => {
    const seen: (string | undefined)[] = [];
    await using served = await serve({
      async access(kong: Kong) {
        seen.push(await kong.request.getPath(), await kong.request.getHeader("user-agent"));
      },
    });
    const kong = await KongPeer.connect(served.socketPath);
    kong.handleEvent(await kong.startInstance());
    for (const latin1 of ["/caf\xe9", "Opéra"]) {
      await kong.frames.read();
      await kong.frames.read();
      kong.frames.send(Buffer.concat([Buffer.of(0x0a, latin1.length), Buffer.from(latin1, "latin1")]));
    }
    expect(await kong.readEnd()).toBeDefined();
    expect(seen).toEqual(["/caf\ufffd", "Op\ufffdra"]);
  });

  it("closes an instance's plugin only once its last event has ended", async () => {
    const released = Promise.withResolvers<void>();
    const close = vi.fn<() => void>();
    await using served = await serve({ access: () => released.promise, close });
    const kong = await KongPeer.connect(served.socketPath);
    const instanceId = await kong.startInstance();
    kong.handleEvent(instanceId);
    const other = await KongPeer.connect(served.socketPath);
    await other.call({ case: "closeInstance", value: { instanceId } });
    expect(close).not.toHaveBeenCalled();
    released.resolve();
    expect(await kong.readEnd()).toBeDefined();
    expect(close).toHaveBeenCalledOnce();
  });

  it("closes the instance unused for longest when there are too many", async () => {
    await using served = await serve({ access() {} }, { maxInstances: 2 });
    const kong = await KongPeer.connect(served.socketPath);
    const ids = [await kong.startInstance(), await kong.startInstance(), await kong.startInstance()];
    expect(served.server.counts.instances).toBe(2);
    kong.handleEvent(ids[2] ?? 0);
    expect(await kong.readEnd()).toBeDefined();
    kong.handleEvent(ids[0] ?? 0);
    expect(await kong.readText()).toBe("closed");
  });

  it("closes the one unused for longest even after the clock was set back", async () => {
    await using served = await serve({ access() {} }, { maxInstances: 2 });
    const kong = await KongPeer.connect(served.socketPath);
    const old = await kong.startInstance();
    const now = Date.now();
    vi.spyOn(Date, "now").mockReturnValue(now - 86_400_000);
    onTestFinished(() => void vi.restoreAllMocks());
    const recent = await kong.startInstance();
    await kong.startInstance();
    kong.handleEvent(recent);
    expect(await kong.readEnd()).toBeDefined();
    kong.handleEvent(old);
    expect(await kong.readText()).toBe("closed");
  });
});
