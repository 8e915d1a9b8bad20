import { once } from "node:events";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

import { sleep } from "@kong-serverless/runtime";
import { expect, test } from "vitest";

import { config, useTestSystem } from "./testing/test-system.ts";

const startSystem = useTestSystem();

test("10,000 requests at once wait for one activation, and all are answered", async () => {
  await using system = await startSystem({
    config: { ...config, holdTimeoutMs: 60_000, releaseConcurrency: 0 },
    env: { LOG_LEVEL: "info" },
  });
  const { gateway } = system;
  const outcomes: Promise<string>[] = [];
  const entity = gateway.entity();
  // Connections are ramped, as those of real clients are: the socket's backlog takes 4096 at once.
  for (let held = 0; held < 10_000; held += 1000) {
    for (let one = 0; one < 1000; one += 1) {
      outcomes.push(gateway.host.access(entity, gateway.exchange()).then(({ kind }) => kind));
    }
    await gateway.waitForMetric("serverless_held_requests", held + 1000);
  }
  system.backend.become(200);
  expect(new Set(await Promise.all(outcomes))).toEqual(new Set(["proxy"]));
  expect(system.count("activation.started")).toBe(1);
  expect(await gateway.metric("serverless_in_flight_requests")).toBe(10_000);
  // It takes long: 10,000 connections are opened, held and released, with both ends on this machine.
}, 60_000);

/** Takes a number of requests at once, and answers any more with 503. */
async function startNarrowBackend(
  concurrency: number,
  untilReady: "refuses probes" | "leaves probes waiting",
) {
  let isReady = false;
  let asked = 0;
  const waiting: ServerResponse[] = [];
  let running = 0;
  let most = 0;
  const server = createServer((request, response) => {
    if (request.url === "/healthz") {
      if (isReady) return void response.end();
      asked += 1;
      if (untilReady === "leaves probes waiting") return void waiting.push(response);
      return void response.writeHead(503).end();
    }
    running += 1;
    most = Math.max(most, running);
    void sleep(running > concurrency ? 0 : 20).then(() => {
      response.writeHead(running > concurrency ? 503 : 200).end();
      running -= 1;
    });
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    /** After 60 ms of probes: a backend that answers the first one at once had been running, and gets all requests. */
    async becomeReady() {
      await expect.poll(() => asked).toBeGreaterThanOrEqual(4);
      isReady = true;
      for (const response of waiting) response.end();
    },
    most: () => most,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await once(server.close(), "close");
    },
  };
}

test.each(["refuses probes", "leaves probes waiting"] as const)(
  "a backend that takes 50 at a time and %s until it is ready gets its held requests at that pace, and refuses none",
  async (untilReady) => {
    await using backend = await startNarrowBackend(50, untilReady);
    await using system = await startSystem({
      config: { ...config, holdTimeoutMs: 60_000, releaseConcurrency: 50, probeConnectTimeoutMs: 50 },
      serviceUrl: backend.url,
      env: { LOG_LEVEL: "info" },
    });
    const { gateway } = system;
    const responses = Array.from({ length: 400 }, () => gateway.request());
    await gateway.waitForMetric("serverless_held_requests", 400);
    await backend.becomeReady();
    const statuses = (await Promise.all(responses)).map(({ status }) => status);
    expect(new Set(statuses)).toEqual(new Set([200]));
    expect(backend.most()).toBeGreaterThan(1);
    expect(backend.most()).toBeLessThanOrEqual(50);
  },
);

test("a client with as many held requests as it may have is answered 429, while others are held", async () => {
  await using system = await startSystem({ config: { ...config, maxHeldPerClient: 1 } });
  const { gateway } = system;
  const held = [gateway.request(), gateway.request({ consumer: "a" }), gateway.request({ consumer: "b" })];
  await gateway.waitForMetric("serverless_held_requests", 3);
  for (const refused of [await gateway.request(), await gateway.request({ consumer: "a" })]) {
    expect(refused.status).toBe(429);
    expect(JSON.parse(refused.body)).toMatchObject({ code: "CLIENT_LIMIT_REACHED" });
    expect(Number(refused.headers["retry-after"])).toBeGreaterThan(0);
  }
  system.backend.become(200);
  expect((await Promise.all(held)).map(({ status }) => status)).toEqual([200, 200, 200]);
});
