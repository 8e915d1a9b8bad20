import { describe, expect, test } from "vitest";

import { backendConfig, config, type TestSystem, useTestSystem } from "./testing/test-system.ts";

const startSystem = useTestSystem();

const demandOf = async (system: TestSystem, name = "demo") =>
  (await system.gateway.ops(`/demand/${name}`)).json();
const nothing = { backend: "demo", held: 0, inFlight: 0, chained: 0, demand: 0 };

describe("the demand for a backend", () => {
  test("is zero before the first request", async () => {
    await using system = await startSystem();
    expect(await demandOf(system, "never-seen")).toEqual({ ...nothing, backend: "never-seen" });
  });

  test("counts held requests, and in-flight ones from their release to their log", async () => {
    await using system = await startSystem();
    const { gateway } = system;
    const exchange = gateway.exchange();
    const access = gateway.host.access(gateway.entity(), exchange);
    await gateway.plugin.waitFor("request.held");
    expect(await demandOf(system)).toEqual({ backend: "demo", held: 1, inFlight: 0, chained: 0, demand: 1 });
    system.backend.become(200);
    await access;
    expect(await demandOf(system)).toEqual({ backend: "demo", held: 0, inFlight: 1, chained: 0, demand: 1 });
    exchange.response = { status: 200, headers: {}, source: "service" };
    await gateway.host.log(gateway.entity(), exchange);
    expect(await demandOf(system)).toEqual(nothing);
  });

  test("is not changed by a log without access, of a request that an earlier plugin ended", async () => {
    await using system = await startSystem();
    await system.warmUp();
    const { gateway } = system;
    const open = gateway.exchange();
    await gateway.host.access(gateway.entity(), open);
    const refused = gateway.exchange();
    refused.response = { status: 401, headers: {}, source: "exit" };
    await gateway.host.log(gateway.entity(), refused);
    expect(await demandOf(system)).toMatchObject({ inFlight: 1 });
  });

  test("is not changed by clients that leave while held, and falls when one leaves while forwarded", async () => {
    await using system = await startSystem();
    const { gateway } = system;
    const leaving = new AbortController();
    const requests = Promise.allSettled(
      Array.from({ length: 20 }, (_, index) =>
        gateway.request(index % 2 === 0 ? { signal: leaving.signal } : {}),
      ),
    );
    await system.waitForCount("request.held", 20);
    leaving.abort(new Error("left"));
    await gateway.waitForMetric("serverless_requests_total", 10, { outcome: "left" });
    expect(await demandOf(system)).toMatchObject({ held: 10, inFlight: 0 });
    system.backend.become(200);
    const outcomes = await requests;
    expect(outcomes.filter(({ status }) => status === "fulfilled")).toHaveLength(10);
    expect(await demandOf(system)).toEqual(nothing);

    const forwarded = gateway.exchange();
    await gateway.host.access(gateway.entity(), forwarded);
    forwarded.response = { status: 499, headers: {}, source: "service" };
    await gateway.host.log(gateway.entity(), forwarded);
    expect(await demandOf(system)).toEqual(nothing);
  });

  test("falls when Kong's balancer knows no address yet for a backend that has just become ready", async () => {
    await using system = await startSystem({ config: { ...config, readyLeaseMs: 100 } });
    system.backend.become(503, 503, 200);
    const { gateway } = system;
    for (const expected of ["cold", "checked"]) {
      const exchange = gateway.exchange();
      await gateway.host.access(gateway.entity(), exchange);
      expect(await demandOf(system)).toMatchObject({ inFlight: 1 });
      exchange.response = { status: 503, headers: {}, source: "exit" };
      await gateway.host.log(gateway.entity(), exchange);
      expect(await demandOf(system)).toEqual(nothing);
      expect(await gateway.metric("serverless_requests_total", { outcome: expected })).toBe(1);
      await gateway.waitForMetric("serverless_backend_ready", 0);
    }
  });

  test("falls when Kong ends a forwarded request by itself", async () => {
    await using system = await startSystem();
    const { gateway } = system;
    for (const status of [400, 408, 413, 502, 503, 504]) {
      await system.warmUp();
      const exchange = gateway.exchange();
      await gateway.host.access(gateway.entity(), exchange);
      exchange.response = { status, headers: {}, source: "error" };
      await gateway.host.log(gateway.entity(), exchange);
      expect(await demandOf(system)).toEqual(nothing);
    }
  });

  test.each([
    ["where a backend takes every request", {}, "/"],
    ["where requests are told apart by path", { target: "/demo" }, "/demo/x"],
  ])("is exact %s, however a request ends", async (_, match, path) => {
    await using system = await startSystem({
      config: { ...config, backend: [{ ...backendConfig, ...match }] },
      routePaths: ["/"],
    });
    system.backend.become(200);
    await system.gateway.request({ path });
    const { gateway } = system;
    const ends = [
      // A client that left before Kong had read the answer to `access`, or while the backend worked.
      { status: 499, source: "error" },
      { status: 499, source: "service" },
      // A later plugin, and Kong's balancer.
      { status: 418, source: "exit" },
      { status: 503, source: "exit" },
      // A body that cannot be read, and an upstream that resets the connection.
      { status: 400, source: "error" },
      { status: 502, source: "error" },
      { status: 500, source: "error" },
    ] as const;
    for (const end of ends) {
      await gateway.request({ path });
      const exchange = gateway.exchange({ path });
      await gateway.host.access(gateway.entity(), exchange);
      expect(await demandOf(system)).toMatchObject({ inFlight: 1 });
      exchange.response = { ...end, headers: {} };
      await gateway.host.log(gateway.entity(), exchange);
      expect(await demandOf(system)).toEqual(nothing);
    }
  });

  test("forgets requests whose log Kong has dropped, each by its own age, although traffic goes on", async () => {
    // Long enough for all of them to pass and be counted on a busy machine.
    await using system = await startSystem({ config: { ...config, inFlightMaxSeconds: 3 } });
    await system.warmUp();
    const { gateway } = system;
    const access = () => gateway.host.access(gateway.entity(), gateway.exchange());
    await Promise.all(Array.from({ length: 150 }, access));
    expect(await demandOf(system)).toMatchObject({ inFlight: 150 });
    await system.requestUntil(
      async () => (await gateway.metric("serverless_in_flight_written_off_total")) === 150,
    );
    expect(await demandOf(system)).toEqual(nothing);
  });
});
