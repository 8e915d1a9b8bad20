import { ScriptedBackend, ScriptedSidecar } from "@kong-serverless/testing";
import { describe, expect, test } from "vitest";

import { Gateway } from "./testing/gateway.ts";

const config = {
  holdTimeoutMs: 5000,
  backend: [{ name: "demo", health: "/healthz", pubsub: "pubsub", topic: "wake-demo" }],
};

describe("a cold start", () => {
  test("holds 20 requests at once for one activation and one wake message", async () => {
    await using backend = await new ScriptedBackend(503, 503, 503, 200).start();
    await using sidecar = await new ScriptedSidecar().start();
    await using gateway = await Gateway.start({
      config,
      serviceUrl: backend.url,
      sidecarUrl: sidecar.url,
      workers: 2,
    });

    const responses = await Promise.all(Array.from({ length: 20 }, () => gateway.request()));

    expect(responses.map(({ status }) => status)).toEqual(Array(20).fill(200));
    expect(backend.probes).toBe(4);
    expect(sidecar.messages).toHaveLength(1);
    expect(sidecar.messages[0]).toMatchObject({ pubsub: "pubsub", topic: "wake-demo" });
    expect(gateway.plugin.log.filter(({ event }) => event === "activation.started")).toHaveLength(1);
    expect(await gateway.metric("serverless_activations_total", { outcome: "ready" })).toBe(1);
    expect(await gateway.metric("serverless_requests_total", { outcome: "cold" })).toBe(20);
  });
});
