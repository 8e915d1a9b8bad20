import { describe, expect, test } from "vitest";

import { config, type Stage, useStage } from "./testing/stage.ts";

const openStage = useStage();

const requests = (stage: Stage, count: number) =>
  Promise.all(Array.from({ length: count }, () => stage.gateway.request()));

describe("a cold start", () => {
  test("holds 20 requests over two workers for one activation and one wake message", async () => {
    await using stage = await openStage({ workers: 2 });
    stage.backend.become(503);
    const startedAtMs = performance.now();
    const held = requests(stage, 20);
    await stage.gateway.plugin.waitFor("request.held", { matches: (line) => line["held"] === 20 });
    // An answer to the first probe would say that it had been up.
    await expect.poll(() => stage.backend.probes).toBeGreaterThan(1);
    stage.backend.become(200);
    const responses = await held;
    const elapsedMs = performance.now() - startedAtMs;

    expect(responses.map(({ status }) => status)).toEqual(Array(20).fill(200));
    // One loop with a probe every 20 ms at most; 20 loops would have sent 20 times as many.
    expect(stage.backend.probes).toBeGreaterThanOrEqual(1);
    expect(stage.backend.probes).toBeLessThan(elapsedMs / 20 + 5);
    expect(stage.sidecar.messages).toEqual([
      expect.objectContaining({ pubsub: "pubsub", topic: "wake-demo" }),
    ]);
    expect(stage.count("activation.started")).toBe(1);
    expect(await stage.gateway.metric("serverless_activations_total", { outcome: "ready" })).toBe(1);
    expect(await stage.gateway.metric("serverless_requests_total", { outcome: "cold" })).toBe(20);
  });

  test("is marked on the response and on the request to the backend", async () => {
    await using stage = await openStage();
    stage.backend.become(503, 503, 200);
    const { headers, body } = await stage.gateway.request();
    expect(headers["server-timing"]).toMatch(/^hold;dur=\d+;desc="cold start"$/);
    expect(headers["x-serverless-held-ms"]).toMatch(/^\d+$/);
    expect(JSON.parse(body)).toMatchObject({
      headers: { "x-serverless-held-ms": headers["x-serverless-held-ms"] },
    });
  });

  test("leaves later requests alone: no probe, no message, no mark", async () => {
    await using stage = await openStage();
    await stage.warmUp();
    const probes = await stage.gateway.metric("serverless_probes_total", { reason: "activation" });
    const responses = await requests(stage, 200);
    expect(responses.every(({ status }) => status === 200)).toBe(true);
    expect(responses.some(({ headers }) => "x-serverless-held-ms" in headers)).toBe(false);
    expect(await stage.gateway.metric("serverless_probes_total", { reason: "activation" })).toBe(probes);
    expect(await stage.gateway.metric("serverless_requests_total", { outcome: "warm" })).toBe(200);
    expect(stage.sidecar.messages.length).toBeLessThanOrEqual(1);
  });

  test("that does not end in time is answered 503 with a code and Retry-After", async () => {
    await using stage = await openStage({ config: { ...config, holdTimeoutMs: 300 } });
    const { status, headers, body } = await stage.gateway.request();
    expect(status).toBe(503);
    expect(Number(headers["retry-after"])).toBeGreaterThan(0);
    expect(headers["content-type"]).toBe("application/problem+json");
    expect(JSON.parse(body)).toMatchObject({ code: "HOLD_TIMEOUT", backend: "demo", status: 503 });
  });

  test("is done by the original plugin's configuration too, which probes below the route's path", async () => {
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
    await using stage = await openStage({ config: original, routePaths: ["/kong/consumer"] });
    stage.backend.become(503, 200);
    const { status } = await stage.gateway.request({ path: "/kong/consumer/x" });
    expect(status).toBe(200);
    expect(stage.sidecar.messages).toEqual([expect.objectContaining({ topic: "kong-root-request" })]);
    expect(stage.backend.probes).toBeGreaterThanOrEqual(2);
  });

  test("shows a browser a waiting page where one is configured", async () => {
    await using stage = await openStage({ config: { ...config, waitingPageAfterMs: 100 } });
    const { status, headers, body } = await stage.gateway.request({
      headers: { accept: "text/html,application/xhtml+xml" },
    });
    expect(status).toBe(503);
    expect(headers["content-type"]).toBe("text/html; charset=utf-8");
    expect(body).toContain("Starting demo");
    stage.backend.become(200);
    await stage.gateway.plugin.waitFor("activation.ready");
  });

  test("answers a browser's HEAD as it would its GET", async () => {
    await using stage = await openStage({ config: { ...config, waitingPageAfterMs: 100 } });
    const { status, headers } = await stage.gateway.request({
      method: "HEAD",
      headers: { accept: "text/html,application/xhtml+xml" },
    });
    expect(status).toBe(503);
    expect(headers["content-type"]).toBe("text/html; charset=utf-8");
    stage.backend.become(200);
    await stage.gateway.plugin.waitFor("activation.ready");
  });

  test("holds what a browser sends with another method for as long as anybody else's request", async () => {
    await using stage = await openStage({ config: { ...config, waitingPageAfterMs: 100 } });
    const posted = stage.gateway.request({ method: "POST", headers: { accept: "text/html" } });
    await stage.gateway.plugin.waitFor("activation.started");
    stage.backend.become(503, 503, 503, 200);
    expect((await posted).status).toBe(200);
  });

  test("is not begun for a load balancer's check", async () => {
    await using stage = await openStage();
    const { status, body } = await stage.gateway.request({
      headers: { "user-agent": "ELB-HealthChecker/2.0" },
    });
    expect(status).toBe(503);
    expect(JSON.parse(body)).toMatchObject({ code: "BACKEND_ASLEEP" });
    expect(stage.backend.probes).toBe(0);
    expect(stage.sidecar.messages).toHaveLength(0);
  });

  test("does not wait for another backend's", async () => {
    const other = {
      name: "other",
      target: "/other",
      health: "/healthz",
      pubsub: "pubsub",
      topic: "wake-other",
    };
    await using stage = await openStage({
      config: {
        holdTimeoutMs: 1000,
        backend: [
          { ...config.backend[0], target: "/demo" },
          { ...other, upstream: "http://127.0.0.1:9" },
        ],
      },
    });
    const neverReady = stage.gateway.request({ path: "/other" });
    await stage.gateway.plugin.waitFor("activation.started");
    stage.backend.become(503, 200);
    expect((await stage.gateway.request({ path: "/demo" })).status).toBe(200);
    expect((await neverReady).status).toBe(503);
  });
});
