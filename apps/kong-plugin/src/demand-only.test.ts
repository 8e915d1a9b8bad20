import { expect, test } from "vitest";

import { useStage } from "./testing/stage.ts";

const openStage = useStage();

test("a backend without pubsub and topic is woken by its demand alone, and nothing is published for it", async () => {
  await using stage = await openStage({ config: { backend: [{ name: "demo", health: "/healthz" }] } });
  const { gateway } = stage;
  const held = gateway.request();
  await gateway.plugin.waitFor("request.held");
  const demand = await (await gateway.ops("/demand/demo")).json();
  expect(demand).toEqual({ backend: "demo", held: 1, inFlight: 0, chained: 0, demand: 1 });
  stage.backend.become(200);
  expect((await held).status).toBe(200);
  expect(await (await gateway.ops("/demand/demo")).json()).toMatchObject({ demand: 0 });
  expect(stage.sidecar.messages).toEqual([]);
  expect(stage.count("wake.failed")).toBe(0);
});
