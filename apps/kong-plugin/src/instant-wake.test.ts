import { once } from "node:events";

import { ExternalScalerClient } from "@kong-serverless/keda-scaler/protocol";
import { expect, test } from "vitest";

import { type TestSystem, useTestSystem } from "./testing/test-system.ts";

const startSystem = useTestSystem();
const env = { SCALER_HOST: "127.0.0.1", SCALER_PORT: "0" };
const trigger = { name: "demo", namespace: "shop" };
const options = { timeoutMs: 4_000 };

async function listen({ gateway }: TestSystem, stack: DisposableStack) {
  const { scalerPort } = await gateway.plugin.waitFor("scaler.started");
  const client = new ExternalScalerClient(`127.0.0.1:${Number(scalerPort)}`);
  stack.defer(() => client.close());
  const stream = client.streamIsActive(trigger);
  stream.on("error", () => {});
  stack.defer(() => stream.cancel());
  await gateway.plugin.waitFor("scaler.stream_opened");
  return { client, stream };
}

test("pushes a wake to KEDA at once, without waiting for the sidecar, and tells how many wait", async () => {
  await using system = await startSystem({ env });
  using stack = new DisposableStack();
  const { client, stream } = await listen(system, stack);
  system.sidecar.become("silence");
  const held = system.gateway.request();
  expect(await once(stream, "data")).toMatchObject([{ result: true }]);
  expect(system.count("wake.published")).toBe(0);
  expect(await client.isActive(trigger, options)).toBe(true);
  expect(await client.metric(trigger, "demand", options)).toBe(1);
  system.backend.become(200);
  expect((await held).status).toBe(200);
  await expect.poll(() => client.isActive(trigger, options)).toBe(false);
});

test("pushes for a backend that has no topic, too", async () => {
  await using system = await startSystem({
    env,
    config: { backend: [{ name: "demo", health: "/healthz" }] },
  });
  using stack = new DisposableStack();
  const { stream } = await listen(system, stack);
  const held = system.gateway.request();
  expect(await once(stream, "data")).toMatchObject([{ result: true }]);
  system.backend.become(200);
  expect((await held).status).toBe(200);
});

test("says at its end that KEDA may come back soon", async () => {
  await using system = await startSystem({ env });
  using stack = new DisposableStack();
  const { stream } = await listen(system, stack);
  const ended = once(stream.resume(), "status");
  system.gateway.plugin.signal("SIGTERM");
  expect(await ended).toMatchObject([{ code: 0 }]);
});
