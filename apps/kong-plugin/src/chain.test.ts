import { needs, nginx, ScriptedBackend } from "@kong-serverless/testing";
import { describe, expect, test } from "vitest";

import { backendConfig, useNginxTestSystem, useTestSystem } from "./testing/test-system.ts";

const chained = (store: ScriptedBackend, fields: object = {}) => ({
  holdTimeoutMs: 5000,
  backend: [
    { ...backendConfig, waitFor: ["store"] },
    {
      name: "store",
      health: "/healthz",
      upstream: store.url,
      pubsub: "pubsub",
      topic: "wake-store",
      routed: false,
      ...fields,
    },
  ],
});

const forms = [
  { form: "over Kong's plugin protocol", open: useTestSystem(), required: {} },
  { form: "in Lua", open: useNginxTestSystem(), required: needs(nginx()) },
];

describe.each(forms)("a chain of two backends, $form", ({ open, required }) => {
  test("is woken by one request, which goes on when both are ready", required, async () => {
    await using store = await new ScriptedBackend(503).start();
    await using system = await open({ config: chained(store) });
    system.backend.become(200);
    const response = system.gateway.request();
    const started = await system.gateway.plugin.waitFor("activation.started", {
      matches: (line) => line["backend"] === "store",
    });
    expect(started["wokenBy"]).toBe("demo");
    await system.waitForCount("wake.published", 2);
    expect(system.sidecar.messages.map(({ topic }) => topic).toSorted()).toEqual(["wake-demo", "wake-store"]);
    expect(system.backend.requests).toEqual([]);
    expect(await (await system.gateway.ops("/demand/store")).json()).toEqual({
      backend: "store",
      held: 0,
      inFlight: 0,
      chained: 1,
      demand: 1,
    });

    store.become(200);
    const { status, headers } = await response;
    expect(status).toBe(200);
    expect(headers["x-serverless-held-ms"]).toMatch(/^\d+$/);
    expect(store.requests).toEqual([]);
  });

  test("is answered 503 with the name of the one that did not start", required, async () => {
    await using store = await new ScriptedBackend(503).start();
    // Long enough for the first backend's own answer on a busy machine.
    await using system = await open({ config: { ...chained(store), holdTimeoutMs: 2000 } });
    system.backend.become(200);
    const { status, body } = await system.gateway.request();
    expect({ status, ...(JSON.parse(body) as object) }).toMatchObject({
      status: 503,
      code: "CHAIN_NOT_READY",
      backend: "store",
    });
  });

  test("is refused when it is a cycle", required, async () => {
    await using store = await new ScriptedBackend(200).start();
    await using system = await open({ config: chained(store, { alsoWake: ["demo"] }) });
    const { status, body } = await system.gateway.request();
    expect({ status, ...(JSON.parse(body) as object) }).toMatchObject({
      status: 503,
      code: "CONFIG_REFUSED",
    });
    expect(JSON.stringify(await system.gateway.plugin.waitFor("instance.refused"))).toContain(
      "demo -> store -> demo",
    );
    expect(system.sidecar.messages).toEqual([]);
  });
});
