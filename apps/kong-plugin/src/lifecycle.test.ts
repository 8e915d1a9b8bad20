import { once } from "node:events";
import { connect, createServer, type AddressInfo } from "node:net";
import { join } from "node:path";

import { makeSocketDirectory } from "@kong-serverless/kong-protocol/testing";
import { describe, expect, test } from "vitest";

import { backendConfig, config, useTestSystem } from "./testing/test-system.ts";

const startSystem = useTestSystem();

async function unusedPort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

describe("a stopping plugin server", () => {
  test("lets warm requests pass, refuses new holds, lets current ones end, and exits 0", async () => {
    const cold = { ...backendConfig, name: "cold", topic: "wake-cold", upstream: "http://127.0.0.1:9" };
    await using system = await startSystem({ env: { SHUTDOWN_IDLE_MS: "100" } });
    await system.warmUp();
    const { gateway } = system;
    const slow = gateway.entity("slow", { holdTimeoutMs: 800, backend: [cold] });
    const held = gateway.request({}, slow);
    await gateway.plugin.waitFor("request.held", { matches: ({ backend }) => backend === "cold" });

    const ended = gateway.plugin.stop("SIGTERM");
    await gateway.plugin.waitFor("service.stopping");
    expect((await gateway.request()).status).toBe(200);
    const refused = await gateway.request({}, slow);
    expect(JSON.parse(refused.body)).toMatchObject({ code: "GATEWAY_STOPPING" });
    expect(JSON.parse((await held).body)).toMatchObject({ code: "HOLD_TIMEOUT" });
    expect(await ended).toEqual({ code: 0, signal: null });
  });

  test("exits at once at a second signal", async () => {
    await using system = await startSystem();
    const { gateway } = system;
    const held = gateway.request();
    await gateway.plugin.waitFor("request.held");
    gateway.plugin.signal("SIGTERM");
    await gateway.plugin.waitFor("service.stopping");
    expect(await gateway.plugin.stop("SIGTERM")).toEqual({ code: 1, signal: null });
    expect((await held).status).toBe(500);
  });

  test("that is killed during holds fails these requests, and serves others once it is back", async () => {
    await using system = await startSystem();
    const held = system.gateway.request();
    await system.gateway.plugin.waitFor("request.held");
    await system.gateway.plugin.stop("SIGKILL");
    expect((await held).status).toBe(500);
    await system.gateway.restartPlugin();
    system.backend.become(200);
    expect((await system.gateway.request()).status).toBe(200);
  });
});

describe("a starting plugin server", () => {
  test("takes the socket over while the old one's holds go on", async () => {
    await using system = await startSystem();
    const { gateway } = system;
    const held = gateway.request();
    await gateway.plugin.waitFor("request.held");
    await using old = gateway.plugin;
    await gateway.restartPlugin();
    const oldEnded = old.stop("SIGTERM");
    const other = gateway.request();
    await gateway.plugin.waitFor("request.held");
    system.backend.become(200);
    expect((await held).status).toBe(200);
    expect((await other).status).toBe(200);
    expect(await oldEnded).toEqual({ code: 0, signal: null });
  });

  test("is ready only once Kong can reach it", async () => {
    await using system = await startSystem();
    await using directory = await makeSocketDirectory();
    const socketPath = join(directory.path, "socket");
    const port = await unusedPort();
    await using _second = system.gateway.spawn({
      KONG_SERVERLESS_SOCKET: socketPath,
      OPS_PORT: String(port),
    });
    let status: number | undefined;
    while (status !== 200)
      status = await fetch(`http://127.0.0.1:${port}/readyz`).then(
        (answer) => answer.status,
        () => undefined,
      );
    const socket = connect(socketPath);
    await expect(once(socket, "connect")).resolves.toEqual([]);
    socket.destroy();
  });

  test("names the variable that is wrong, and starts nothing", async () => {
    await using system = await startSystem();
    await using broken = system.gateway.spawn({ OPS_PORT: "many", DAPR_HTTP_ENDPOINT: "localhost" });
    expect(await broken.exited).toEqual({ code: 1, signal: null });
    expect(broken.output).toContain('OPS_PORT: found "many"');
    expect(broken.output).toContain('DAPR_HTTP_ENDPOINT: found "localhost"');
    expect(broken.log).toEqual([]);
    expect((await system.gateway.ops("/readyz")).status).toBe(200);
  });

  test("names a busy port and the variable that changes it, and leaves the socket alone", async () => {
    await using system = await startSystem();
    const { port } = new URL(system.backend.url);
    await using second = system.gateway.spawn({ OPS_PORT: port });
    expect(await second.exited).toEqual({ code: 1, signal: null });
    expect(second.output).toContain(`Port ${port} on 127.0.0.1 is in use by another process`);
    expect(second.output).toContain("OPS_PORT");
    await system.warmUp();
  });

  test("prints with --dump what Kong's QUERY_CMD reads, and nothing else", async () => {
    await using system = await startSystem();
    await using dump = system.gateway.spawn({}, ["--dump"]);
    expect(await dump.exited).toEqual({ code: 0, signal: null });
    expect(JSON.parse(dump.output)).toMatchObject({
      Protocol: "ProtoBuf:1",
      Plugins: [
        { Name: "serverless", Priority: 1, Phases: ["access", "log"], Schema: { name: "serverless" } },
      ],
    });
  });
});

describe("a configuration", () => {
  test("that is wrong is reported with path and reason, and its requests are answered 503", async () => {
    await using system = await startSystem({ config: { holdTimeout: 5, backend: [backendConfig] } });
    const { status, body } = await system.gateway.request();
    expect(status).toBe(503);
    expect(JSON.parse(body)).toMatchObject({ code: "CONFIG_REFUSED" });
    const line = await system.gateway.plugin.waitFor("instance.refused");
    expect(JSON.stringify(line)).toContain("holdTimeout: unknown field");
    expect(system.backend.probes).toBe(0);

    const code = "CONFIG_REFUSED";
    expect(await system.gateway.metric("serverless_configuration_refusals_total", { code })).toBe(1);
  });

  test("that names another route's backend with other settings is refused, until they agree", async () => {
    await using system = await startSystem();
    await system.warmUp();
    const { gateway } = system;
    const other = gateway.entity("other", { ...config, interval: 50 });
    const refused = await gateway.request({}, other);
    expect(refused.status).toBe(503);
    expect(JSON.parse(refused.body)).toMatchObject({ code: "BACKEND_CONFLICT" });
    const line = await gateway.plugin.waitFor("instance.refused");
    expect(JSON.stringify(line)).toContain("intervalMs");
    const code = "BACKEND_CONFLICT";
    expect(await gateway.metric("serverless_configuration_refusals_total", { code })).toBe(1);

    gateway.reload({ ...config, interval: 50 });
    expect((await gateway.request()).status).toBe(200);
    expect((await gateway.request({}, other)).status).toBe(200);
  });

  test("may be reloaded during holds: they end as they would have", async () => {
    await using system = await startSystem({ workers: 2 });
    const held = Array.from({ length: 10 }, () => system.gateway.request());
    await system.waitForCount("request.held", 10);
    system.gateway.reload({ ...config, interval: 30 });
    const later = Array.from({ length: 10 }, () => system.gateway.request());
    await system.waitForCount("request.held", 20);
    system.backend.become(200);
    const statuses = (await Promise.all([...held, ...later])).map(({ status }) => status);
    expect(statuses).toEqual(Array(20).fill(200));
    expect(system.count("activation.started")).toBe(1);
  });

  test("whose service cannot be probed is answered with the reason, and wakes nothing", async () => {
    await using system = await startSystem();
    const { gateway } = system;
    const exchange = gateway.exchange();
    Object.assign(exchange, { service: { id: "s", protocol: "tcp", host: "db", port: 1 } });
    const outcome = await gateway.host.access(gateway.entity(), exchange);
    expect(outcome).toMatchObject({ kind: "exit", status: 503 });
    expect(system.sidecar.messages).toHaveLength(0);
  });
});
