import { describe, expect, test } from "vitest";

import { hasKong } from "./testing/kong-gateway.ts";
import { matchedBackends, matchingCases } from "./testing/matching-cases.ts";
import { nginxMissing } from "./testing/nginx-gateway.ts";
import { backendConfig, config, useKongStage, useNginxStage, useStage } from "./testing/stage.ts";

const missing = nginxMissing();
if (missing !== undefined) process.stderr.write(`The Lua form of the plugin is not tested: ${missing}.\n`);

const forms = [
  { form: "over Kong's plugin protocol", useForm: useStage, isHere: true },
  { form: "in Lua", useForm: useNginxStage, isHere: missing === undefined },
  { form: "in Lua, on a real Kong", useForm: useKongStage, isHere: hasKong },
];

/** What every form of the plugin does alike. */
describe.each(forms)("the plugin $form", { timeout: 15_000 }, ({ useForm, isHere }) => {
  const openStage = useForm();
  const nothing = { held: 0, inFlight: 0 };

  test.runIf(isHere)("holds requests of two workers for one activation and one wake message", async () => {
    await using stage = await openStage({ workers: 2 });
    const held = Promise.all(Array.from({ length: 20 }, () => stage.gateway.request()));
    await stage.waitForCount("request.held", 20);
    await expect.poll(() => stage.backend.probes).toBeGreaterThan(1);
    stage.backend.become(200);
    const responses = await held;
    expect(responses.map(({ status }) => status)).toEqual(Array(20).fill(200));
    expect(stage.sidecar.messages).toEqual([
      expect.objectContaining({ pubsub: "pubsub", topic: "wake-demo" }),
    ]);
    expect(stage.count("activation.started")).toBe(1);
    expect(await stage.gateway.metric("serverless_requests_total", { outcome: "cold" })).toBe(20);
  });

  test.runIf(isHere)("marks a cold start on the response and on the request to the backend", async () => {
    await using stage = await openStage();
    stage.backend.become(503, 503, 200);
    const { headers, body } = await stage.gateway.request();
    expect(headers["server-timing"]).toMatch(/^hold;dur=\d+;desc="cold start"$/);
    expect(headers["x-serverless-held-ms"]).toMatch(/^\d+$/);
    expect(JSON.parse(body)).toMatchObject({
      headers: { "x-serverless-held-ms": headers["x-serverless-held-ms"] },
    });
  });

  test.runIf(isHere)(
    "lets warm requests pass without a mark, a probe or a message, and counts them",
    async () => {
      await using stage = await openStage({ config: { ...config, readyLeaseMs: 60_000 } });
      await stage.warmUp();
      const { probes } = stage.backend;
      const responses = await Promise.all(Array.from({ length: 100 }, () => stage.gateway.request()));
      expect(responses.every(({ status }) => status === 200)).toBe(true);
      expect(responses.some(({ headers }) => "x-serverless-held-ms" in headers)).toBe(false);
      expect(stage.backend.probes).toBe(probes);
      expect(stage.sidecar.messages.length).toBeLessThanOrEqual(1);
      await stage.gateway.waitForMetric("serverless_requests_total", 100, { outcome: "warm" });
    },
  );

  test.runIf(isHere)("answers 503 with a code and Retry-After when the time of a hold is up", async () => {
    await using stage = await openStage({ config: { ...config, holdTimeoutMs: 300 } });
    const { status, headers, body } = await stage.gateway.request();
    expect(status).toBe(503);
    expect(Number(headers["retry-after"])).toBeGreaterThan(0);
    expect(headers["content-type"]).toBe("application/problem+json");
    expect(headers["cache-control"]).toBe("no-store");
    expect(JSON.parse(body)).toMatchObject({ code: "HOLD_TIMEOUT", backend: "demo", status: 503 });
    await expect.poll(() => stage.demand()).toEqual(nothing);
  });

  test.runIf(isHere)("shows a person the waiting page", async () => {
    await using stage = await openStage({ config: { ...config, waitingPageAfterMs: 50 } });
    const { status, headers, body } = await stage.gateway.request({ headers: { accept: "text/html" } });
    expect(status).toBe(503);
    expect(headers["content-type"]).toMatch(/^text\/html/);
    expect(body).toContain("Starting demo");
  });

  test.runIf(isHere)("wakes nothing for requests that are excepted", async () => {
    const wakeExceptions = { userAgents: ["kube-probe"], paths: ["/ping"] };
    await using stage = await openStage({ config: { ...config, wakeExceptions } });
    const excepted = [{ headers: { "user-agent": "kube-probe/1.34" } }, { path: "/ping/x" }];
    for (const request of excepted) {
      const { status, body } = await stage.gateway.request(request);
      expect(status).toBe(503);
      expect(JSON.parse(body)).toMatchObject({ code: "BACKEND_ASLEEP" });
    }
    expect(stage.backend.probes).toBe(0);
    expect(stage.sidecar.messages).toEqual([]);
  });

  test.runIf(isHere)("finds the backend by path and host as the table of cases says", async () => {
    const asleep = { health: "/healthz", pubsub: "pubsub", topic: "wake", upstream: "http://127.0.0.1:9" };
    await using stage = await openStage({
      config: { holdTimeoutMs: 100, backend: matchedBackends.map((match) => Object.assign(match, asleep)) },
    });
    const found = await Promise.all(
      matchingCases.map(async ({ path, host }) => {
        const { status, body } = await stage.gateway.request({ path, host });
        const backend = status === 503 ? (JSON.parse(body) as { backend: string }).backend : undefined;
        return { path, host, backend };
      }),
    );
    expect(found).toEqual(matchingCases);
  });

  test.runIf(isHere)("refuses the requests of a configuration that is wrong", async () => {
    await using stage = await openStage({
      // Two backends for the same requests, which Kong's schema cannot tell.
      config: { ...config, backend: [backendConfig, { ...backendConfig, name: "other" }] },
    });
    const { status, body } = await stage.gateway.request();
    expect(status).toBe(503);
    expect(JSON.parse(body)).toMatchObject({ code: "CONFIG_REFUSED" });
    expect(stage.backend.requests).toEqual([]);
  });

  test.runIf(isHere)("holds again as soon as the backend could not be reached", async () => {
    await using stage = await openStage({ config: { ...config, readyLeaseMs: 50_000 } });
    await stage.warmUp();
    await stage.backend.stop();
    expect((await stage.gateway.request()).status).toBe(502);
    await stage.gateway.plugin.waitFor("lease.lost");
    const held = stage.gateway.request();
    await stage.gateway.plugin.waitFor("request.held", { matches: () => stage.count("request.held") === 2 });
    await stage.backend.start();
    expect((await held).status).toBe(200);
  });

  test.runIf(isHere)("shows what is held and in flight as the demand, until it ends", async () => {
    await using stage = await openStage();
    const { gateway } = stage;
    const slow = Array.from({ length: 10 }, () => gateway.request({ path: "/slow" }));
    await stage.waitForCount("request.held", 10);
    expect(await stage.demand()).toEqual({ held: 10, inFlight: 0 });
    stage.backend.become(200);
    await stage.backend.waitForOpen(10);
    await expect.poll(() => stage.demand()).toEqual({ held: 0, inFlight: 10 });
    stage.backend.finish();
    await Promise.all(slow);
    await expect.poll(() => stage.demand()).toEqual(nothing);
  });

  test.runIf(isHere)("takes over other settings with a reload", async () => {
    await using stage = await openStage({ config: { ...config, holdTimeoutMs: 200 } });
    expect((await stage.gateway.request()).status).toBe(503);
    await stage.gateway.reload({ ...config, backend: [{ ...backendConfig, topic: "wake-other" }] });
    stage.backend.become(503, 503, 200);
    expect((await stage.gateway.request()).status).toBe(200);
    expect(stage.sidecar.messages.at(-1)).toMatchObject({ topic: "wake-other" });
  });

  test.runIf(isHere)("returns to its former settings when a change is rolled back at once", async () => {
    await using stage = await openStage();
    await stage.warmUp();
    await stage.gateway.reload({ ...config, backend: [{ ...backendConfig, topic: "wake-other" }] });
    await stage.gateway.request();
    await stage.gateway.reload(config);
    stage.backend.become(503, 503, 200);
    await stage.requestUntil(() => stage.sidecar.messages.at(-1)?.topic === "wake-demo");
    expect((await stage.gateway.request()).status).toBe(200);
  });
});
