import { expect, test } from "vitest";

import { useTestSystem } from "./testing/test-system.ts";

const startSystem = useTestSystem();

test("a backend without pubsub and topic is woken by its demand alone, and nothing is published for it", async () => {
  await using system = await startSystem({ config: { backend: [{ name: "demo", health: "/healthz" }] } });
  const { gateway } = system;
  const held = gateway.request();
  await gateway.plugin.waitFor("request.held");
  const demand = await (await gateway.ops("/demand/demo")).json();
  expect(demand).toEqual({ backend: "demo", held: 1, inFlight: 0, chained: 0, demand: 1 });
  system.backend.become(200);
  expect((await held).status).toBe(200);
  expect(await (await gateway.ops("/demand/demo")).json()).toMatchObject({ demand: 0 });
  expect(system.sidecar.messages).toEqual([]);
  expect(system.count("wake.failed")).toBe(0);
});
