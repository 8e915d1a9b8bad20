import { describe, expect, test } from "vitest";

import { config, useStage } from "./testing/stage.ts";

const openStage = useStage();

describe("a ready backend", () => {
  test("that dies is noticed at once when Kong cannot reach it, and requests are held again", async () => {
    await using stage = await openStage();
    await stage.warmUp();
    await stage.backend.stop();
    expect((await stage.gateway.request()).status).toBe(502);
    const held = stage.gateway.request();
    await stage.gateway.plugin.waitFor("lease.lost");
    await stage.backend.start();
    expect((await held).status).toBe(200);
  });

  test("that is slow is kept awake for as long as it works on a request", async () => {
    await using stage = await openStage({ config: { ...config, keepWarmIntervalMs: 100 } });
    await stage.warmUp();
    const { gateway } = stage;
    const slow = gateway.exchange();
    await gateway.host.access(gateway.entity(), slow);
    const keptWarm = () => gateway.metric("serverless_wakes_total", { reason: "keep-warm" });
    await stage.waitForCount("wake.published", 3);
    expect(await keptWarm()).toBeGreaterThanOrEqual(2);
    slow.response = { status: 200, headers: {}, source: "service" };
    await gateway.host.log(gateway.entity(), slow);
    expect(await (await gateway.ops("/demand/demo")).json()).toMatchObject({ demand: 0 });
  });

  test("that says under traffic that it is not ready is found out, each time, and requests are held", async () => {
    await using stage = await openStage({ config: { ...config, readyLeaseMs: 200 } });
    await stage.warmUp();
    for (let time = 1; time <= 3; time += 1) {
      const held = stage.count("request.held") + 1;
      stage.backend.become(503);
      const traffic = stage.requestUntil(() => stage.count("request.held") >= held);
      await stage.waitForCount("request.held", held);
      stage.backend.become(200);
      expect(new Set(await traffic)).toEqual(new Set([200]));
    }
  });

  test("is asked once when nobody has called for longer than the lease, and the client sees no cold start", async () => {
    await using stage = await openStage({ config: { ...config, readyLeaseMs: 300, interval: 5000 } });
    await stage.warmUp();
    await stage.gateway.waitForMetric("serverless_backend_ready", 0);
    expect(await stage.gateway.metric("serverless_ready_lease_seconds")).toBe(0);
    const { probes } = stage.backend;
    const { status, headers } = await stage.gateway.request();
    expect(status).toBe(200);
    expect(stage.backend.probes).toBe(probes + 1);
    expect(headers).not.toHaveProperty("x-serverless-held-ms");
    expect(await stage.gateway.metric("serverless_activations_total", { outcome: "confirmed" })).toBe(2);
  });
});
