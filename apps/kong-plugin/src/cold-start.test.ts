import { describe, expect, test } from "vitest";

import { config, type TestSystem, useTestSystem } from "./testing/test-system.ts";

const startSystem = useTestSystem();

const requests = (system: TestSystem, count: number) =>
  Promise.all(Array.from({ length: count }, () => system.gateway.request()));

describe("a cold start", () => {
  test("holds 20 requests over two workers for one activation and one wake message", async () => {
    await using system = await startSystem({ workers: 2 });
    system.backend.become(503);
    const startedAtMs = performance.now();
    const held = requests(system, 20);
    await system.gateway.plugin.waitFor("request.held", { matches: (line) => line["held"] === 20 });
    // If it answered the first probe, it would count as running.
    await expect.poll(() => system.backend.probes).toBeGreaterThan(1);
    system.backend.become(200);
    const responses = await held;
    const elapsedMs = performance.now() - startedAtMs;

    expect(responses.map(({ status }) => status)).toEqual(Array(20).fill(200));
    // One loop with a probe every 20 ms at most; 20 loops would have sent 20 times as many.
    expect(system.backend.probes).toBeGreaterThanOrEqual(1);
    expect(system.backend.probes).toBeLessThan(elapsedMs / 20 + 5);
    expect(system.sidecar.messages).toEqual([
      expect.objectContaining({ pubsub: "pubsub", topic: "wake-demo" }),
    ]);
    expect(system.count("activation.started")).toBe(1);
    expect(await system.gateway.metric("serverless_activations_total", { outcome: "ready" })).toBe(1);
    expect(await system.gateway.metric("serverless_requests_total", { outcome: "cold" })).toBe(20);
  });

  test("works with the original plugin's configuration, which probes below the route's path", async () => {
    const original = {
      count: 300,
      interval: 100,
      backend: [
        {
          target: "/kong/consumer",
          health: "/healthz",
          pubsub: "kong-serverless-plugin",
          topic: "kong-root-request",
        },
      ],
    };
    await using system = await startSystem({ config: original, routePaths: ["/kong/consumer"] });
    system.backend.become(503, 200);
    const { status } = await system.gateway.request({ path: "/kong/consumer/x" });
    expect(status).toBe(200);
    expect(system.sidecar.messages).toEqual([expect.objectContaining({ topic: "kong-root-request" })]);
    expect(system.backend.probes).toBeGreaterThanOrEqual(2);
  });

  test("answers a browser's HEAD as it would its GET", async () => {
    await using system = await startSystem({ config: { ...config, waitingPageAfterMs: 100 } });
    const { status, headers } = await system.gateway.request({
      method: "HEAD",
      headers: { accept: "text/html,application/xhtml+xml" },
    });
    expect(status).toBe(503);
    expect(headers["content-type"]).toBe("text/html; charset=utf-8");
    system.backend.become(200);
    await system.gateway.plugin.waitFor("activation.ready");
  });

  test("holds a browser's request with another method for as long as any other", async () => {
    await using system = await startSystem({ config: { ...config, waitingPageAfterMs: 100 } });
    const posted = system.gateway.request({ method: "POST", headers: { accept: "text/html" } });
    await system.gateway.plugin.waitFor("activation.started");
    system.backend.become(503, 503, 503, 200);
    expect((await posted).status).toBe(200);
  });

  test("is not started by a load balancer's check", async () => {
    await using system = await startSystem();
    const { status, body } = await system.gateway.request({
      headers: { "user-agent": "ELB-HealthChecker/2.0" },
    });
    expect(status).toBe(503);
    expect(JSON.parse(body)).toMatchObject({ code: "BACKEND_ASLEEP" });
    expect(system.backend.probes).toBe(0);
    expect(system.sidecar.messages).toHaveLength(0);
  });

  test("does not wait for another backend's", async () => {
    const other = {
      name: "other",
      target: "/other",
      health: "/healthz",
      pubsub: "pubsub",
      topic: "wake-other",
    };
    await using system = await startSystem({
      config: {
        holdTimeoutMs: 1000,
        backend: [
          { ...config.backend[0], target: "/demo" },
          { ...other, upstream: "http://127.0.0.1:9" },
        ],
      },
    });
    const neverReady = system.gateway.request({ path: "/other" });
    await system.gateway.plugin.waitFor("activation.started");
    system.backend.become(503, 200);
    expect((await system.gateway.request({ path: "/demo" })).status).toBe(200);
    expect((await neverReady).status).toBe(503);
  });
});
