import { describe, expect, test } from "vitest";

import { backendConfig, config, useStage } from "./testing/stage.ts";

const openStage = useStage();

describe("a stopping plugin server", () => {
  test("lets warm requests pass, refuses new holds, lets current ones end, and exits 0", async () => {
    const cold = { ...backendConfig, name: "cold", topic: "wake-cold", upstream: "http://127.0.0.1:9" };
    await using stage = await openStage({ env: { SHUTDOWN_IDLE_MS: "100" } });
    await stage.warmUp();
    const { gateway } = stage;
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

  test("that is killed during holds fails these requests, and serves others once it is back", async () => {
    await using stage = await openStage();
    const held = stage.gateway.request();
    await stage.gateway.plugin.waitFor("request.held");
    await stage.gateway.plugin.stop("SIGKILL");
    expect((await held).status).toBe(500);
    await stage.gateway.restartPlugin();
    stage.backend.become(200);
    expect((await stage.gateway.request()).status).toBe(200);
  });
});

describe("a configuration", () => {
  test("that is wrong is reported with path and reason, and its requests are answered 503", async () => {
    await using stage = await openStage({ config: { holdTimeout: 5, backend: [backendConfig] } });
    const { status } = await stage.gateway.request();
    expect(status).toBe(503);
    const line = await stage.gateway.plugin.waitFor("plugin.start_failed");
    expect(JSON.stringify(line)).toContain("holdTimeout: unknown field");
    expect(stage.backend.probes).toBe(0);
  });

  test("that names another route's backend with other settings is refused, until they agree", async () => {
    await using stage = await openStage();
    await stage.warmUp();
    const { gateway } = stage;
    const other = gateway.entity("other", { ...config, interval: 50 });
    const refused = await gateway.request({}, other);
    expect(refused.status).toBe(503);
    expect(JSON.parse(refused.body)).toMatchObject({ code: "BACKEND_CONFLICT" });
    const line = await gateway.plugin.waitFor("instance.refused");
    expect(JSON.stringify(line)).toContain("intervalMs");

    gateway.reload({ ...config, interval: 50 });
    expect((await gateway.request()).status).toBe(200);
    expect((await gateway.request({}, other)).status).toBe(200);
  });

  test("may be reloaded during holds: they end as they would have", async () => {
    await using stage = await openStage({ workers: 2 });
    const held = Array.from({ length: 10 }, () => stage.gateway.request());
    await stage.waitForCount("request.held", 10);
    stage.gateway.reload({ ...config, interval: 30 });
    const later = Array.from({ length: 10 }, () => stage.gateway.request());
    await stage.waitForCount("request.held", 20);
    stage.backend.become(200);
    const statuses = (await Promise.all([...held, ...later])).map(({ status }) => status);
    expect(statuses).toEqual(Array(20).fill(200));
    expect(stage.count("activation.started")).toBe(1);
  });

  test("whose service cannot be probed is answered with the reason, and wakes nothing", async () => {
    await using stage = await openStage();
    const { gateway } = stage;
    const exchange = gateway.exchange();
    Object.assign(exchange, { service: { id: "s", protocol: "tcp", host: "db", port: 1 } });
    const outcome = await gateway.host.access(gateway.entity(), exchange);
    expect(outcome).toMatchObject({ kind: "exit", status: 503 });
    expect(stage.sidecar.messages).toHaveLength(0);
  });
});
