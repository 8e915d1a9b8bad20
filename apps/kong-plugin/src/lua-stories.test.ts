import { once } from "node:events";

import { sleep } from "@kong-serverless/runtime";
import { needs, nginx } from "@kong-serverless/testing";
import { describe, expect, test } from "vitest";

import type { NginxGateway } from "./testing/nginx-gateway.ts";
import { backendConfig, config, type TestSystem, useNginxTestSystem } from "./testing/test-system.ts";

const nothing = { held: 0, inFlight: 0 };
const startSystem = useNginxTestSystem();

/** Sends requests that the backend works on until it is told to end; resolves once it does, with what waits for their end. */
async function openSlow(system: TestSystem<NginxGateway>, count = 1): Promise<() => Promise<unknown>> {
  const slow = Promise.allSettled(
    Array.from({ length: count }, () => system.gateway.request({ path: "/slow" })),
  );
  await system.backend.waitForOpen(count);
  return () => slow;
}

/** Resolves once wake messages have been sent for longer than the plugin server believes a silent gateway (5 s). */
async function keptWarm({ sidecar }: TestSystem<NginxGateway>): Promise<void> {
  const before = sidecar.messages.length;
  await expect.poll(() => sidecar.messages.length, { timeout: 20_000 }).toBeGreaterThan(before + 35);
}

/** Several processes start one after the other. */
const options = { timeout: 30_000, ...needs(nginx()) };

describe("the counts of the Lua form", options, () => {
  test("are zero again after clients that leave at any moment", async () => {
    await using system = await startSystem();
    await system.warmUp();
    const head = Buffer.from("GET /slow HTTP/1.1\r\nhost: demo.example\r\n\r\n");
    for (let round = 0; round < 10; round += 1) {
      await Promise.all(
        Array.from({ length: 100 }, async (_, index) => {
          const client = system.gateway.connect();
          client.on("error", () => {});
          await once(client, "connect");
          client.write(head.subarray(0, index % 10 === 0 ? 20 : head.length));
          await sleep(index % 5);
          client.destroy();
        }),
      );
    }
    await expect.poll(() => system.demand()).toEqual(nothing);
  });

  test("are zero again however a request ends", { timeout: 60_000 }, async () => {
    await using system = await startSystem();
    await system.warmUp();
    const ends = [
      { headers: { "x-exit-behind": "1" }, status: 418 },
      { headers: { "x-exit-before": "1" }, status: 401 },
      { headers: { "x-no-peer": "1" }, status: 503 },
      { path: "/reset", status: 502 },
      // Another plugin's handler throws in `log`, so that ours never runs.
      { headers: { "x-log-fails": "1" }, status: 200 },
    ];
    for (const { status, ...request } of ends) {
      const responses = await Promise.all(Array.from({ length: 20 }, () => system.gateway.request(request)));
      expect(responses.map((response) => response.status)).toEqual(Array(20).fill(status));
    }
    // A request without its `log` is found when Lua collects its garbage, after 10 s in an idle worker.
    await expect.poll(() => system.demand(), { timeout: 40_000 }).toEqual(nothing);
  });

  test("forget at once requests without their `log` that Lua has collected by itself", async () => {
    await using system = await startSystem({ workers: 1 });
    await system.warmUp();
    const { gateway } = system;
    await Promise.all(Array.from({ length: 20 }, () => gateway.request({ headers: { "x-log-fails": "1" } })));
    await gateway.request({ headers: { "x-collect-garbage": "1" } });
    await expect.poll(() => system.demand()).toEqual(nothing);
  });

  test("lose a killed worker's requests, and nothing else", async () => {
    await using system = await startSystem();
    await system.warmUp();
    const { gateway } = system;
    const slow = await openSlow(system, 8);
    await expect.poll(() => system.demand()).toEqual({ held: 0, inFlight: 8 });
    const [pid = 0] = gateway.workerPids;
    await gateway.killWorker(pid);
    await expect.poll(async () => (await system.demand()).inFlight - system.backend.open).toBe(0);
    system.backend.finish();
    await slow();
    await expect.poll(() => system.demand()).toEqual(nothing);
  });

  test("keep a request of a worker that drains after a reload, until it ends", async () => {
    await using system = await startSystem();
    await system.warmUp();
    const { gateway } = system;
    const slow = await openSlow(system);
    await gateway.reload();
    expect((await gateway.request()).status).toBe(200);
    await expect.poll(() => gateway.workerPids).toHaveLength(3);
    await expect.poll(() => system.demand()).toEqual({ held: 0, inFlight: 1 });
    system.backend.finish();
    await slow();
    await expect.poll(() => system.demand()).toEqual(nothing);
  });

  test("keep a request of a gateway that quits, until it ends", async () => {
    await using system = await startSystem({ config: { ...config, keepWarmIntervalMs: 200 } });
    await system.warmUp();
    const slow = await openSlow(system);
    system.gateway.nginx.signal("SIGQUIT");
    await keptWarm(system);
    expect(await system.demand()).toEqual({ held: 0, inFlight: 1 });
    system.backend.finish();
    await slow();
    await expect.poll(() => system.demand(), { timeout: 2_000 }).toEqual(nothing);
    expect((await system.gateway.nginx.exited).code).toBe(0);
  });

  test("keep a request that passes only after its gateway has begun to quit", async () => {
    await using system = await startSystem({ config: { ...config, keepWarmIntervalMs: 200 } });
    const held = system.gateway.request({ path: "/slow" });
    await system.gateway.plugin.waitFor("request.held");
    system.gateway.nginx.signal("SIGQUIT");
    await system.gateway.nginx.waitForOutput(/gracefully shutting down/);
    system.backend.become(200);
    await system.backend.waitForOpen(1);
    await keptWarm(system);
    expect(await system.demand()).toEqual({ held: 0, inFlight: 1 });
    system.backend.finish();
    expect((await held).status).toBe(200);
    expect((await system.gateway.nginx.exited).code).toBe(0);
  });

  test("are known to a plugin server that has just started, and so are the backends", async () => {
    await using system = await startSystem({ config: { ...config, keepWarmIntervalMs: 200 } });
    await system.warmUp();
    const { gateway } = system;
    const slow = await openSlow(system);
    await gateway.plugin.stop("SIGKILL");
    const messages = system.sidecar.messages.length;
    await gateway.restartPlugin();
    await expect.poll(() => system.demand()).toEqual({ held: 0, inFlight: 1 });
    // Kept warm without a request.
    await expect.poll(() => system.sidecar.messages.length).toBeGreaterThan(messages);
    system.backend.finish();
    await slow();
    await expect.poll(() => system.demand()).toEqual(nothing);
  });

  test("are right for more backends than the dictionary has room for leases", async () => {
    const backend = Array.from({ length: 250 }, (_, index) => ({
      ...backendConfig,
      name: `backend-with-a-name-of-its-own-${index}`,
      hosts: [`${index}.example`],
    }));
    await using system = await startSystem({
      config: { ...config, readyLeaseMs: 60_000, backend },
      sharedDict: "lua_shared_dict kong_serverless 64k;",
    });
    system.backend.become(200);
    const slow = Promise.all(
      backend.map(({ hosts: [host = ""] }) => system.gateway.request({ path: "/slow", host })),
    );
    await system.backend.waitForOpen(backend.length);
    const inFlight = async () => {
      const demands = await Promise.all(backend.map(({ name }) => system.demand(name)));
      return demands.filter((demand) => demand.inFlight === 1).length;
    };
    await expect.poll(inFlight, { timeout: 10_000 }).toBe(backend.length);
    expect(system.gateway.nginx.output).toContain("kong_serverless is too small");
    system.backend.finish();
    await slow;
    await expect.poll(inFlight, { timeout: 10_000 }).toBe(0);
  });

  test("are forgotten when the gateway has gone", async () => {
    await using system = await startSystem();
    await system.warmUp();
    const slow = await openSlow(system);
    await expect.poll(() => system.demand()).toEqual({ held: 0, inFlight: 1 });
    for (const pid of [system.gateway.nginx.pid ?? 0, ...system.gateway.workerPids])
      process.kill(pid, "SIGKILL");
    await slow();
    await expect.poll(() => system.demand(), { timeout: 15_000 }).toEqual(nothing);
  });
});

describe("the Lua form", options, () => {
  test("lets warm requests pass while the plugin server is gone, and refuses others with a code", async () => {
    await using system = await startSystem({ config: { ...config, readyLeaseMs: 3000 } });
    await system.warmUp();
    const { gateway } = system;
    // Each worker learns of the backend's lease by its own request.
    for (let request = 0; request < 50; request += 1) await gateway.request();
    await gateway.plugin.stop("SIGKILL");
    const warm = await gateway.request();
    expect(warm.status).toBe(200);
    await expect.poll(async () => (await gateway.request()).status, { timeout: 10_000 }).toBe(503);
    const { headers, body } = await gateway.request();
    expect(headers["retry-after"]).toBe("1");
    expect(JSON.parse(body)).toMatchObject({ code: "PLUGIN_SERVER_UNAVAILABLE", backend: "demo" });
  });

  test("keeps holding a request across a restart of the plugin server", async () => {
    await using system = await startSystem({ config: { ...config, holdTimeoutMs: 10_000 } });
    const { gateway } = system;
    const held = gateway.request();
    await gateway.plugin.waitFor("request.held");
    const heldAtMs = performance.now();
    await gateway.plugin.stop("SIGKILL");
    await gateway.restartPlugin();
    await gateway.plugin.waitFor("request.held");
    const leastHeldMs = performance.now() - heldAtMs;
    // If it answered the first probe, it would not be a cold start.
    const { probes } = system.backend;
    await expect.poll(() => system.backend.probes).toBeGreaterThan(probes + 1);
    system.backend.become(200);
    const { status, headers } = await held;
    expect(status).toBe(200);
    // Its deadline does not start over with the new server.
    expect(Number(headers["x-serverless-held-ms"])).toBeGreaterThanOrEqual(Math.floor(leastHeldMs));
  });

  test("follows the path to a plugin server that takes it over while the former one still runs", async () => {
    await using system = await startSystem();
    await system.warmUp();
    const { gateway } = system;
    await using former = gateway.plugin;
    await gateway.restartPlugin();
    const slow = await openSlow(system);
    await expect.poll(() => system.demand()).toEqual({ held: 0, inFlight: 1 });
    system.backend.finish();
    await slow();
    await expect.poll(() => system.demand()).toEqual(nothing);
    expect((await former.stop()).code).toBe(0);
  });

  test("keeps nothing of a backend forever, so that names may come and go", async () => {
    await using system = await startSystem();
    await system.warmUp();
    const entries = async () => {
      const { body } = await system.gateway.request({ headers: { "x-entries": "1" } });
      return Object.entries(JSON.parse(body) as Record<string, number>).filter(([name]) =>
        name.includes("demo"),
      );
    };
    await expect
      .poll(async () => {
        await system.gateway.request();
        return new Set((await entries()).map(([name]) => name.split(":")[0]));
      })
      .toEqual(new Set(["lease", "passed"]));
    for (const [, secondsLeft] of await entries()) expect(secondsLeft).toBeGreaterThan(0);
  });

  test("refuses requests and says why where Kong has no shared dictionary", async () => {
    await using system = await startSystem({ sharedDict: "" });
    system.backend.become(200);
    const { status, body } = await system.gateway.request();
    expect(status).toBe(503);
    expect(JSON.parse(body)).toMatchObject({ code: "SHARED_DICT_MISSING" });
    expect(system.gateway.nginx.output).toContain("KONG_NGINX_HTTP_LUA_SHARED_DICT");
  });
});
