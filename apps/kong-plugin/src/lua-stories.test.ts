import { once } from "node:events";

import { sleep } from "@kong-serverless/runtime";
import { needs, nginx } from "@kong-serverless/testing";
import { describe, expect, test } from "vitest";

import type { NginxGateway } from "./testing/nginx-gateway.ts";
import { backendConfig, config, type Stage, useNginxStage } from "./testing/stage.ts";

const nothing = { held: 0, inFlight: 0 };
const openStage = useNginxStage();

/** Sends requests that the backend works on until it is told to end; resolves once it does, with what waits for their end. */
async function openSlow(stage: Stage<NginxGateway>, count = 1): Promise<() => Promise<unknown>> {
  const slow = Promise.allSettled(
    Array.from({ length: count }, () => stage.gateway.request({ path: "/slow" })),
  );
  await stage.backend.waitForOpen(count);
  return () => slow;
}

/** Several processes start one after the other. */
const options = { timeout: 30_000, ...needs(nginx()) };

describe("the counts of the Lua form", options, () => {
  test("are zero again after clients that leave at any moment", async () => {
    await using stage = await openStage();
    await stage.warmUp();
    const head = Buffer.from("GET /slow HTTP/1.1\r\nhost: demo.example\r\n\r\n");
    for (let round = 0; round < 10; round += 1) {
      await Promise.all(
        Array.from({ length: 100 }, async (_, index) => {
          const client = stage.gateway.connect();
          client.on("error", () => {});
          await once(client, "connect");
          client.write(head.subarray(0, index % 10 === 0 ? 20 : head.length));
          await sleep(index % 5);
          client.destroy();
        }),
      );
    }
    await expect.poll(() => stage.demand()).toEqual(nothing);
  });

  test("are zero again however a request ends", { timeout: 60_000 }, async () => {
    await using stage = await openStage();
    await stage.warmUp();
    const ends = [
      { headers: { "x-exit-behind": "1" }, status: 418 },
      { headers: { "x-exit-before": "1" }, status: 401 },
      { headers: { "x-no-peer": "1" }, status: 503 },
      { path: "/reset", status: 502 },
      // Another plugin's handler throws in `log`, so that ours never runs.
      { headers: { "x-log-fails": "1" }, status: 200 },
    ];
    for (const { status, ...request } of ends) {
      const responses = await Promise.all(Array.from({ length: 20 }, () => stage.gateway.request(request)));
      expect(responses.map((response) => response.status)).toEqual(Array(20).fill(status));
    }
    // A request without its `log` is found when Lua collects its garbage: in an idle worker after 10 s or, if something still
    // refers to the mark then, 20 s later.
    await expect.poll(() => stage.demand(), { timeout: 40_000 }).toEqual(nothing);
  });

  test("lose what a killed worker had, and nothing else", async () => {
    await using stage = await openStage();
    await stage.warmUp();
    const { gateway } = stage;
    const slow = await openSlow(stage, 8);
    await expect.poll(() => stage.demand()).toEqual({ held: 0, inFlight: 8 });
    const [pid = 0] = gateway.workerPids;
    await gateway.killWorker(pid);
    await expect.poll(async () => (await stage.demand()).inFlight - stage.backend.open).toBe(0);
    stage.backend.finish();
    await slow();
    await expect.poll(() => stage.demand()).toEqual(nothing);
  });

  test("keep a request of a worker that drains after a reload, until it ends", async () => {
    await using stage = await openStage();
    await stage.warmUp();
    const { gateway } = stage;
    const slow = await openSlow(stage);
    await gateway.reload();
    expect((await gateway.request()).status).toBe(200);
    await expect.poll(() => gateway.workerPids).toHaveLength(3);
    await expect.poll(() => stage.demand()).toEqual({ held: 0, inFlight: 1 });
    stage.backend.finish();
    await slow();
    await expect.poll(() => stage.demand()).toEqual(nothing);
  });

  test("are known to a plugin server that has just started, and so are the backends", async () => {
    await using stage = await openStage({ config: { ...config, keepWarmIntervalMs: 200 } });
    await stage.warmUp();
    const { gateway } = stage;
    const slow = await openSlow(stage);
    await gateway.plugin.stop("SIGKILL");
    const messages = stage.sidecar.messages.length;
    await gateway.restartPlugin();
    await expect.poll(() => stage.demand()).toEqual({ held: 0, inFlight: 1 });
    // Kept warm without a request having come by.
    await expect.poll(() => stage.sidecar.messages.length).toBeGreaterThan(messages);
    stage.backend.finish();
    await slow();
    await expect.poll(() => stage.demand()).toEqual(nothing);
  });

  test("are right for more backends than the dictionary has room for leases", async () => {
    const backend = Array.from({ length: 250 }, (_, index) => ({
      ...backendConfig,
      name: `backend-with-a-name-of-its-own-${index}`,
      hosts: [`${index}.example`],
    }));
    await using stage = await openStage({
      config: { ...config, readyLeaseMs: 60_000, backend },
      sharedDict: "lua_shared_dict kong_serverless 64k;",
    });
    stage.backend.become(200);
    const slow = Promise.all(
      backend.map(({ hosts: [host = ""] }) => stage.gateway.request({ path: "/slow", host })),
    );
    await stage.backend.waitForOpen(backend.length);
    const inFlight = async () => {
      const demands = await Promise.all(backend.map(({ name }) => stage.demand(name)));
      return demands.filter((demand) => demand.inFlight === 1).length;
    };
    await expect.poll(inFlight, { timeout: 10_000 }).toBe(backend.length);
    expect(stage.gateway.nginx.output).toContain("kong_serverless is too small");
    stage.backend.finish();
    await slow;
    await expect.poll(inFlight, { timeout: 10_000 }).toBe(0);
  });

  test("are forgotten when the gateway has gone", async () => {
    await using stage = await openStage();
    await stage.warmUp();
    const slow = await openSlow(stage);
    await expect.poll(() => stage.demand()).toEqual({ held: 0, inFlight: 1 });
    for (const pid of [stage.gateway.nginx.pid ?? 0, ...stage.gateway.workerPids])
      process.kill(pid, "SIGKILL");
    await slow();
    await expect.poll(() => stage.demand(), { timeout: 15_000 }).toEqual(nothing);
  });
});

describe("the Lua form", options, () => {
  test("lets warm requests pass while the plugin server is gone, and refuses others with a code", async () => {
    await using stage = await openStage({ config: { ...config, readyLeaseMs: 3000 } });
    await stage.warmUp();
    const { gateway } = stage;
    // Each worker gets to know the backend's lease by a request of its own.
    for (let request = 0; request < 50; request += 1) await gateway.request();
    await gateway.plugin.stop("SIGKILL");
    const warm = await gateway.request();
    expect(warm.status).toBe(200);
    await expect.poll(async () => (await gateway.request()).status, { timeout: 10_000 }).toBe(503);
    const { headers, body } = await gateway.request();
    expect(headers["retry-after"]).toBe("1");
    expect(JSON.parse(body)).toMatchObject({ code: "PLUGIN_SERVER_UNAVAILABLE", backend: "demo" });
  });

  test("holds a request on over a restart of the plugin server", async () => {
    await using stage = await openStage({ config: { ...config, holdTimeoutMs: 10_000 } });
    const { gateway } = stage;
    const held = gateway.request();
    await gateway.plugin.waitFor("request.held");
    const heldAtMs = performance.now();
    await gateway.plugin.stop("SIGKILL");
    await gateway.restartPlugin();
    await gateway.plugin.waitFor("request.held");
    const leastHeldMs = performance.now() - heldAtMs;
    // The answer to the first probe alone would be no cold start.
    const { probes } = stage.backend;
    await expect.poll(() => stage.backend.probes).toBeGreaterThan(probes + 1);
    stage.backend.become(200);
    const { status, headers } = await held;
    expect(status).toBe(200);
    // Its deadline does not begin again with the new server.
    expect(Number(headers["x-serverless-held-ms"])).toBeGreaterThanOrEqual(Math.floor(leastHeldMs));
  });

  test("follows the path to a plugin server that takes it over while the former one still runs", async () => {
    await using stage = await openStage();
    await stage.warmUp();
    const { gateway } = stage;
    await using former = gateway.plugin;
    await gateway.restartPlugin();
    const slow = await openSlow(stage);
    await expect.poll(() => stage.demand()).toEqual({ held: 0, inFlight: 1 });
    stage.backend.finish();
    await slow();
    await expect.poll(() => stage.demand()).toEqual(nothing);
    expect((await former.stop()).code).toBe(0);
  });

  test("keeps nothing forever of a backend, so that names may come and go", async () => {
    await using stage = await openStage();
    await stage.warmUp();
    const entries = async () => {
      const { body } = await stage.gateway.request({ headers: { "x-entries": "1" } });
      return Object.entries(JSON.parse(body) as Record<string, number>).filter(([name]) =>
        name.includes("demo"),
      );
    };
    await expect
      .poll(async () => {
        await stage.gateway.request();
        return new Set((await entries()).map(([name]) => name.split(":")[0]));
      })
      .toEqual(new Set(["lease", "passed"]));
    for (const [, secondsLeft] of await entries()) expect(secondsLeft).toBeGreaterThan(0);
  });

  test("refuses requests and says why where Kong has no shared dictionary", async () => {
    await using stage = await openStage({ sharedDict: "" });
    stage.backend.become(200);
    const { status, body } = await stage.gateway.request();
    expect(status).toBe(503);
    expect(JSON.parse(body)).toMatchObject({ code: "SHARED_DICT_MISSING" });
    expect(stage.gateway.nginx.output).toContain("KONG_NGINX_HTTP_LUA_SHARED_DICT");
  });
});
