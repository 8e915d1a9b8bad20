import { ScriptedBackend, TraceCollector } from "@kong-serverless/testing";
import { describe, expect, test } from "vitest";

import { backendConfig, config, useTestSystem } from "./testing/test-system.ts";

const startSystem = useTestSystem();

const traceOf = (digit: string) => digit.repeat(32);
const parentOf = (digit: string) => digit.repeat(16);
const traceparent = (digit: string, flags = "01") => `00-${traceOf(digit)}-${parentOf(digit)}-${flags}`;

describe("traces", () => {
  test("show a cold start in the trace of the request that started it, and link the others to it", async () => {
    await using collector = await new TraceCollector().start();
    await using system = await startSystem({
      env: {
        OTEL_EXPORTER_OTLP_ENDPOINT: `${collector.url}/`,
        OTEL_EXPORTER_OTLP_HEADERS: "x-key=a%20secret",
        OTEL_RESOURCE_ATTRIBUTES: "deployment.environment=test",
      },
    });
    const { gateway } = system;
    const first = gateway.request({ headers: { traceparent: traceparent("a") } });
    await gateway.waitForMetric("serverless_held_requests", 1);
    const second = gateway.request({ headers: { traceparent: traceparent("b") } });
    const unsampled = gateway.request({ headers: { traceparent: traceparent("c", "00") } });
    await gateway.waitForMetric("serverless_held_requests", 3);
    await system.waitForCount("probe.answered", 30);
    system.backend.become(200);
    await Promise.all([first, second, unsampled]);
    await gateway.plugin.stop();

    expect(collector.requests[0]).toEqual({ url: "/v1/traces", key: "a secret" });
    const resource = collector.resources[0]?.attributes.map(({ key, value }) => [key, value["stringValue"]]);
    expect(resource).toEqual(
      expect.arrayContaining([
        ["service.name", "kong-serverless"],
        ["deployment.environment", "test"],
      ]),
    );
    const spans = collector.spans;
    const named = (name: string) => spans.filter((span) => span.name === name);
    const holds = named("serverless.hold");
    expect(holds.map(({ traceId, parentSpanId }) => [traceId, parentSpanId])).toEqual(
      expect.arrayContaining([
        [traceOf("a"), parentOf("a")],
        [traceOf("b"), parentOf("b")],
      ]),
    );
    expect(holds).toHaveLength(2);
    const [activation] = named("serverless.activation");
    const starter = holds.find(({ traceId }) => traceId === traceOf("a"));
    expect(activation).toMatchObject({ traceId: traceOf("a"), parentSpanId: starter?.spanId });
    const joiner = holds.find(({ traceId }) => traceId === traceOf("b"));
    expect(joiner?.links).toMatchObject([{ traceId: traceOf("a"), spanId: activation?.spanId }]);
    for (const span of [...named("serverless.wake"), ...named("serverless.probe")]) {
      expect(span).toMatchObject({ traceId: traceOf("a"), parentSpanId: activation?.spanId });
      expect(BigInt(span.endTimeUnixNano)).toBeGreaterThanOrEqual(BigInt(span.startTimeUnixNano));
    }
    expect(named("serverless.wake").length).toBeGreaterThan(0);
    const probes = named("serverless.probe");
    expect(probes).toHaveLength(21);
    expect(probes.at(-1)?.attributes).toContainEqual({ key: "serverless.ready", value: { boolValue: true } });
  });

  test("show the whole chain that a request wakes in its trace", async () => {
    await using collector = await new TraceCollector().start();
    await using store = await new ScriptedBackend(503, 503, 200).start();
    await using system = await startSystem({
      env: { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url },
      config: {
        holdTimeoutMs: 5000,
        backend: [
          { ...backendConfig, waitFor: ["store"] },
          { name: "store", health: "/healthz", upstream: store.url, routed: false },
        ],
      },
    });
    system.backend.become(200);
    await system.gateway.request({ headers: { traceparent: traceparent("a") } });
    await system.gateway.plugin.stop();
    const activations = collector.spans.filter(({ name }) => name === "serverless.activation");
    const backends = activations.flatMap(({ attributes }) =>
      attributes.flatMap(({ key, value }) => (key === "serverless.backend" ? [value["stringValue"]] : [])),
    );
    expect(new Set(backends)).toEqual(new Set(["demo", "store"]));
    expect(new Set(activations.map(({ traceId }) => traceId))).toEqual(new Set([traceOf("a")]));
  });

  test("say by its code why a request was not forwarded", async () => {
    await using collector = await new TraceCollector().start();
    await using system = await startSystem({
      config: { ...config, holdTimeoutMs: 300 },
      env: { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url },
    });
    expect((await system.gateway.request()).status).toBe(503);
    await system.gateway.plugin.stop();
    const hold = collector.spans.find(({ name }) => name === "serverless.hold");
    expect(hold?.parentSpanId ?? "").toBe("");
    expect(hold?.attributes).toContainEqual({
      key: "serverless.outcome",
      value: { stringValue: "HOLD_TIMEOUT" },
    });
  });

  test("cost requests nothing without a collector, and do not keep the process from stopping", async () => {
    await using system = await startSystem({ env: { OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:1" } });
    system.backend.become(200);
    expect((await system.gateway.request()).status).toBe(200);
    expect(await system.gateway.plugin.stop()).toMatchObject({ code: 0 });
  });
});
