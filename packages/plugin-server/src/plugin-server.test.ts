import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { access, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { KongPeer, makeSocketDirectory } from "@kong-serverless/kong-protocol/testing";
import { describe, expect, it } from "vitest";

import { type Kong, PluginServer } from "./index.ts";
import { pluginOf, serve } from "./testing/served-plugin.ts";

const exists = (path: string) =>
  access(path).then(
    () => true,
    () => false,
  );

describe("start", () => {
  it("gives the socket its mode before anybody can connect", async () => {
    await using served = await serve({});
    await using own = await serve({}, { socketMode: 0o600 });
    const modes = [served, own].map(async ({ socketPath }) => (await stat(socketPath)).mode & 0o777);
    expect(await Promise.all(modes)).toEqual([0o660, 0o600]);
  });

  it("refuses a path where a file of another kind is, and leaves the file", async () => {
    await using directory = await makeSocketDirectory();
    const socketPath = join(directory.path, "tested.socket");
    await writeFile(socketPath, "precious");
    const server = new PluginServer({ socketPath, plugin: pluginOf({}) });
    await expect(server.start()).rejects.toMatchObject({ code: "SOCKET_UNAVAILABLE" });
    expect(await exists(socketPath)).toBe(true);
  });

  it("refuses a directory that does not exist", async () => {
    const server = new PluginServer({ socketPath: "/nowhere/tested.socket", plugin: pluginOf({}) });
    await expect(server.start()).rejects.toMatchObject({ code: "SOCKET_UNAVAILABLE" });
  });

  it("takes the path over from a server that goes on serving its connections", async () => {
    await using old = await serve({ access() {} });
    const early = await KongPeer.connect(old.socketPath);
    const instanceId = await early.startInstance();
    const next = new PluginServer({ socketPath: old.socketPath, plugin: pluginOf({ access() {} }) });
    await next.start();

    early.handleEvent(instanceId);
    expect(await early.readEnd()).toBeDefined();
    const late = await KongPeer.connect(old.socketPath);
    await late.startInstance();
    expect([old.server.counts.connections, next.counts.connections]).toEqual([1, 1]);

    await old.server.stop({ graceMs: 1000, idleMs: 0 });
    expect(await exists(old.socketPath)).toBe(true);
    await next.stop({ graceMs: 1000, idleMs: 0 });
    expect(await exists(old.socketPath)).toBe(false);
  });
});

describe("stop", () => {
  it("goes on serving while events run, tells the plugin, and then closes", async () => {
    const released = Promise.withResolvers<void>();
    const isStopping: boolean[] = [];
    await using served = await serve({
      async access(kong: Kong) {
        isStopping.push(kong.isStopping);
        if (isStopping.length === 1) await released.promise;
      },
    });
    const held = await KongPeer.connect(served.socketPath);
    const instanceId = await held.startInstance();
    held.handleEvent(instanceId);
    await expect.poll(() => served.server.counts.runningEvents).toBe(1);

    const stopped = served.server.stop({ graceMs: 5000, idleMs: 10 });
    const warm = await KongPeer.connect(served.socketPath);
    warm.handleEvent(instanceId);
    expect(await warm.readEnd()).toBeDefined();
    expect(isStopping).toEqual([false, true]);
    expect(served.server.stopping.aborted).toBe(true);

    released.resolve();
    expect(await held.readEnd()).toBeDefined();
    await stopped;
    expect(await held.readText()).toBe("closed");
    expect(await exists(served.socketPath)).toBe(false);
    await expect.poll(() => served.server.counts).toEqual({ connections: 0, instances: 0, runningEvents: 0 });
  });

  it("answers 503 what still runs when the grace period ends", async () => {
    await using served = await serve({ access: () => new Promise(() => {}) });
    const kong = await KongPeer.connect(served.socketPath);
    kong.handleEvent(await kong.startInstance());
    const stopped = served.server.stop({ graceMs: 20, idleMs: 10 });
    expect(await kong.readText()).toBe("kong.response.exit");
    expect((await kong.frames.read())?.toString()).toContain("PLUGIN_STOPPED");
    expect(await kong.readText()).toBe("closed");
    await stopped;
  });

  it("does not wait for a peer that reads nothing", async () => {
    await using served = await serve({ access: () => new Promise(() => {}) });
    const kong = await KongPeer.connect(served.socketPath);
    kong.handleEvent(await kong.startInstance());
    await expect.poll(() => served.server.counts.runningEvents).toBe(1);
    kong.frames.socket.pause();
    await served.server.stop({ graceMs: 0, idleMs: 0 });
    await expect.poll(() => served.server.counts.connections).toBe(0);
    kong.frames.close();
  });
});

describe("processes", () => {
  const script = fileURLToPath(new URL("./testing/serving-process.ts", import.meta.url));

  async function startProcess(socketPath: string): Promise<ChildProcess> {
    const child = spawn(process.execPath, [script, socketPath], { stdio: ["ignore", "pipe", "inherit"] });
    await once(child.stdout as NodeJS.ReadableStream, "data");
    return child;
  }

  it("serves again at the same path after a process was killed", async () => {
    await using directory = await makeSocketDirectory();
    const socketPath = join(directory.path, "tested.socket");
    const killed = await startProcess(socketPath);
    const early = await KongPeer.connect(socketPath);
    const lostId = await early.startInstance();
    killed.kill("SIGKILL");
    expect(await early.readText()).toBe("closed");

    await using next = await serve({ access() {} }, { socketPath });
    const late = await KongPeer.connect(next.socketPath);
    late.handleEvent(lostId);
    expect(await late.readText()).toBe("closed");
    const again = await KongPeer.connect(socketPath);
    again.handleEvent(await again.startInstance());
    expect(await again.readEnd()).toBeDefined();
  });

  it("takes over the path from another process, which ends once it is done", async () => {
    await using directory = await makeSocketDirectory();
    const socketPath = join(directory.path, "tested.socket");
    const first = await startProcess(socketPath);
    const early = await KongPeer.connect(socketPath);
    const instanceId = await early.startInstance();
    await using second = await serve({ access() {} }, { socketPath });
    first.kill("SIGTERM");
    early.handleEvent(instanceId);
    expect(await early.readEnd()).toBeDefined();
    expect(await once(first, "exit")).toEqual([0, null]);

    const late = await KongPeer.connect(second.socketPath);
    expect(await late.startInstance()).toBeGreaterThan(0);
  });
});
