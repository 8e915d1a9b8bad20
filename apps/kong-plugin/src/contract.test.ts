import { join } from "node:path";

import { needs, nginx } from "@kong-serverless/testing";
import { describe, expect, test } from "vitest";

import { realKong } from "./testing/kong-gateway.ts";
import { matchedBackends, matchingCases } from "./testing/matching-cases.ts";
import {
  backendConfig,
  config,
  useKongTestSystem,
  useNginxTestSystem,
  useTestSystem,
} from "./testing/test-system.ts";

const forms = [
  { form: "over Kong's plugin protocol", useForm: useTestSystem, required: {} },
  { form: "in Lua", useForm: useNginxTestSystem, required: needs(nginx()) },
  { form: "in Lua, on a real Kong", useForm: useKongTestSystem, required: needs(realKong) },
];

/** What all forms of the plugin have in common. */
describe.each(forms)("the plugin $form", ({ useForm, required }) => {
  const startSystem = useForm();
  const nothing = { held: 0, inFlight: 0 };

  test("holds requests of two workers for one activation and one wake message", required, async () => {
    await using system = await startSystem({ workers: 2 });
    const held = Promise.all(Array.from({ length: 20 }, () => system.gateway.request()));
    await system.waitForCount("request.held", 20);
    await expect.poll(() => system.backend.probes).toBeGreaterThan(1);
    system.backend.become(200);
    const responses = await held;
    expect(responses.map(({ status }) => status)).toEqual(Array(20).fill(200));
    expect(system.sidecar.messages).toEqual([
      expect.objectContaining({ pubsub: "pubsub", topic: "wake-demo" }),
    ]);
    expect(system.count("activation.started")).toBe(1);
    expect(await system.gateway.metric("serverless_requests_total", { outcome: "cold" })).toBe(20);
  });

  test("marks a cold start on the response and on the request to the backend", required, async () => {
    await using system = await startSystem();
    system.backend.become(503, 503, 200);
    const { headers, body } = await system.gateway.request();
    expect(headers["server-timing"]).toMatch(/^hold;dur=\d+;desc="cold start"$/);
    expect(headers["x-serverless-held-ms"]).toMatch(/^\d+$/);
    expect(JSON.parse(body)).toMatchObject({
      headers: { "x-serverless-held-ms": headers["x-serverless-held-ms"] },
    });
  });

  test(
    "lets warm requests pass without a mark, a probe or a message, and counts them",
    required,
    async () => {
      await using system = await startSystem({ config: { ...config, readyLeaseMs: 60_000 } });
      await system.warmUp();
      const { probes } = system.backend;
      const responses = await Promise.all(Array.from({ length: 100 }, () => system.gateway.request()));
      expect(responses.every(({ status }) => status === 200)).toBe(true);
      expect(responses.some(({ headers }) => "x-serverless-held-ms" in headers)).toBe(false);
      expect(system.backend.probes).toBe(probes);
      expect(system.sidecar.messages.length).toBeLessThanOrEqual(1);
      await system.gateway.waitForMetric("serverless_requests_total", 100, { outcome: "warm" });
    },
  );

  test("answers 503 with a code and Retry-After when a hold times out", required, async () => {
    await using system = await startSystem({ config: { ...config, holdTimeoutMs: 300 } });
    const { status, headers, body } = await system.gateway.request();
    expect(status).toBe(503);
    expect(Number(headers["retry-after"])).toBeGreaterThan(0);
    expect(headers["content-type"]).toBe("application/problem+json");
    expect(headers["cache-control"]).toBe("no-store");
    expect(JSON.parse(body)).toMatchObject({ code: "HOLD_TIMEOUT", backend: "demo", status: 503 });
    await expect.poll(() => system.demand()).toEqual(nothing);
  });

  test("shows a person the waiting page", required, async () => {
    await using system = await startSystem({ config: { ...config, waitingPageAfterMs: 50 } });
    const { status, headers, body } = await system.gateway.request({ headers: { accept: "text/html" } });
    expect(status).toBe(503);
    expect(headers["content-type"]).toMatch(/^text\/html/);
    expect(body).toContain("Starting demo");
  });

  test("shows a person the operator's own waiting page", required, async () => {
    const page = join(import.meta.dirname, "testing/waiting-page.html");
    await using system = await startSystem({
      config: { ...config, waitingPageAfterMs: 50 },
      env: { WAITING_PAGE: page },
    });
    await system.gateway.plugin.waitFor("waiting_page.read");
    const { status, headers, body } = await system.gateway.request({
      path: "/a/b",
      headers: { accept: "text/html" },
    });
    expect({ status, body }).toEqual({ status: 503, body: "<p>demo is on its way to /a/b</p>\n" });
    expect(headers).toMatchObject({
      "content-type": "text/html; charset=utf-8",
      "cache-control": "no-store",
      "retry-after": expect.stringMatching(/^[1-9]/),
    });
  });

  test("wakes nothing for excepted requests", required, async () => {
    const wakeExceptions = { userAgents: ["kube-probe"], paths: ["/ping"] };
    await using system = await startSystem({ config: { ...config, wakeExceptions } });
    const excepted = [{ headers: { "user-agent": "kube-probe/1.34" } }, { path: "/ping/x" }];
    for (const request of excepted) {
      const { status, body } = await system.gateway.request(request);
      expect(status).toBe(503);
      expect(JSON.parse(body)).toMatchObject({ code: "BACKEND_ASLEEP" });
    }
    expect(system.backend.probes).toBe(0);
    expect(system.sidecar.messages).toEqual([]);
  });

  test("finds the backend by path and host as the table of cases says", required, async () => {
    const asleep = { health: "/healthz", pubsub: "pubsub", topic: "wake", upstream: "http://127.0.0.1:9" };
    await using system = await startSystem({
      config: { holdTimeoutMs: 100, backend: matchedBackends.map((match) => Object.assign(match, asleep)) },
    });
    const found = await Promise.all(
      matchingCases.map(async ({ path, host }) => {
        const { status, body } = await system.gateway.request({ path, host });
        const backend = status === 503 ? (JSON.parse(body) as { backend: string }).backend : undefined;
        return { path, host, backend };
      }),
    );
    expect(found).toEqual(matchingCases);
  });

  test("refuses the requests of an invalid configuration", required, async () => {
    await using system = await startSystem({
      // Two backends for the same requests, which Kong's schema cannot detect.
      config: { ...config, backend: [backendConfig, { ...backendConfig, name: "other" }] },
    });
    const { status, body } = await system.gateway.request();
    expect(status).toBe(503);
    expect(JSON.parse(body)).toMatchObject({ code: "CONFIG_REFUSED" });
    expect(system.backend.requests).toEqual([]);
  });

  test("holds again as soon as the backend could not be reached", required, async () => {
    await using system = await startSystem({ config: { ...config, readyLeaseMs: 50_000 } });
    await system.warmUp();
    await system.backend.stop();
    expect((await system.gateway.request()).status).toBe(502);
    await system.gateway.plugin.waitFor("lease.lost");
    const held = system.gateway.request();
    await system.gateway.plugin.waitFor("request.held", {
      matches: () => system.count("request.held") === 2,
    });
    await system.backend.start();
    expect((await held).status).toBe(200);
  });

  test("sends no request to a backend that answered once more before it stopped", required, async () => {
    await using system = await startSystem({ config: { ...config, interval: 10, readyLeaseMs: 50_000 } });
    system.backend.become(200);
    expect((await system.gateway.request()).status).toBe(200);
    await system.backend.stop();
    await system.gateway.waitForMetric("serverless_ready_lease_seconds", 0);
    const held = system.gateway.request();
    await system.gateway.plugin.waitFor("request.held", {
      matches: () => system.count("request.held") === 2,
    });
    await system.backend.start();
    expect((await held).status).toBe(200);
  });

  test("shows what is held and in flight as the demand, until it ends", required, async () => {
    await using system = await startSystem();
    const { gateway } = system;
    const slow = Array.from({ length: 10 }, () => gateway.request({ path: "/slow" }));
    await system.waitForCount("request.held", 10);
    expect(await system.demand()).toEqual({ held: 10, inFlight: 0 });
    system.backend.become(200);
    await system.backend.waitForOpen(10);
    await expect.poll(() => system.demand()).toEqual({ held: 0, inFlight: 10 });
    system.backend.finish();
    await Promise.all(slow);
    await expect.poll(() => system.demand()).toEqual(nothing);
  });

  test("applies new settings on a reload", required, async () => {
    await using system = await startSystem({ config: { ...config, holdTimeoutMs: 200 } });
    expect((await system.gateway.request()).status).toBe(503);
    await system.gateway.reload({ ...config, backend: [{ ...backendConfig, topic: "wake-other" }] });
    system.backend.become(503, 503, 200);
    expect((await system.gateway.request()).status).toBe(200);
    expect(system.sidecar.messages.at(-1)).toMatchObject({ topic: "wake-other" });
  });

  test("returns to its former settings when a change is rolled back at once", required, async () => {
    await using system = await startSystem();
    await system.warmUp();
    await system.gateway.reload({ ...config, backend: [{ ...backendConfig, topic: "wake-other" }] });
    await system.gateway.request();
    await system.gateway.reload(config);
    system.backend.become(503, 503, 200);
    await system.requestUntil(() => system.sidecar.messages.at(-1)?.topic === "wake-demo");
    expect((await system.gateway.request()).status).toBe(200);
  });
});
