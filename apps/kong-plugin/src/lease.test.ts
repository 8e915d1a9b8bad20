import { describe, expect, test } from "vitest";

import { config, useTestSystem } from "./testing/test-system.ts";

const startSystem = useTestSystem();

describe("a ready backend", () => {
  test("that dies is noticed at once when Kong cannot reach it, and requests are held again", async () => {
    await using system = await startSystem();
    await system.warmUp();
    await system.backend.stop();
    expect((await system.gateway.request()).status).toBe(502);
    const held = system.gateway.request();
    await system.gateway.plugin.waitFor("lease.lost");
    await system.backend.start();
    expect((await held).status).toBe(200);
  });

  test("that is slow is kept awake for as long as it works on a request", async () => {
    await using system = await startSystem({ config: { ...config, keepWarmIntervalMs: 100 } });
    await system.warmUp();
    const { gateway } = system;
    const slow = gateway.exchange();
    await gateway.host.access(gateway.entity(), slow);
    const keptWarm = () => gateway.metric("serverless_wakes_total", { reason: "keep-warm" });
    await system.waitForCount("wake.published", 3);
    expect(await keptWarm()).toBeGreaterThanOrEqual(2);
    slow.response = { status: 200, headers: {}, source: "service" };
    await gateway.host.log(gateway.entity(), slow);
    expect(await (await gateway.ops("/demand/demo")).json()).toMatchObject({ demand: 0 });
  });

  test("that says under traffic that it is not ready is found out, each time, and requests are held", async () => {
    await using system = await startSystem({ config: { ...config, readyLeaseMs: 200 } });
    await system.warmUp();
    for (let time = 1; time <= 3; time += 1) {
      const held = system.count("request.held") + 1;
      system.backend.become(503);
      const traffic = system.requestUntil(() => system.count("request.held") >= held);
      await system.waitForCount("request.held", held);
      system.backend.become(200);
      expect(new Set(await traffic)).toEqual(new Set([200]));
    }
  });

  test("is asked once when nobody has called for longer than the lease, and the client sees no cold start", async () => {
    await using system = await startSystem({ config: { ...config, readyLeaseMs: 300, interval: 5000 } });
    system.backend.become(200);
    await system.gateway.request();
    await system.gateway.waitForMetric("serverless_backend_ready", 0);
    expect(await system.gateway.metric("serverless_ready_lease_seconds")).toBe(0);
    const { probes } = system.backend;
    const { status, headers } = await system.gateway.request();
    expect(status).toBe(200);
    expect(system.backend.probes).toBe(probes + 1);
    expect(headers).not.toHaveProperty("x-serverless-held-ms");
    expect(await system.gateway.metric("serverless_activations_total", { outcome: "confirmed" })).toBe(2);
  });
});
