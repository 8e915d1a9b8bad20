import { expect, test } from "vitest";

import { config, useStage } from "./testing/stage.ts";

const openStage = useStage();

test("10,000 requests at once wait for one activation, and all are answered", async () => {
  await using stage = await openStage({
    config: { ...config, holdTimeoutMs: 60_000 },
    env: { LOG_LEVEL: "info" },
  });
  const { gateway } = stage;
  const outcomes: Promise<string>[] = [];
  const entity = gateway.entity();
  // Connections are ramped, as those of real clients are: the socket's backlog takes 4096 at once.
  for (let held = 0; held < 10_000; held += 1000) {
    for (let one = 0; one < 1000; one += 1) {
      outcomes.push(gateway.host.access(entity, gateway.exchange()).then(({ kind }) => kind));
    }
    await gateway.waitForMetric("serverless_held_requests", held + 1000);
  }
  stage.backend.become(200);
  expect(new Set(await Promise.all(outcomes))).toEqual(new Set(["proxy"]));
  expect(stage.count("activation.started")).toBe(1);
  expect(await gateway.metric("serverless_in_flight_requests")).toBe(10_000);
  // The work itself is long: 10,000 connections, opened, held and released, with both of their ends on this machine.
}, 60_000);
