import { expect, test } from "vitest";

import { Metrics } from "./metrics.ts";

async function seriesOf(metrics: Metrics, name: string) {
  const { values = [] } = (await metrics.registry.getSingleMetric(name)?.get()) ?? {};
  return values.map(({ labels, value }) => ({ ...labels, value }));
}

test("counts a backend's hold timeouts, failed activations and failed wakes from zero, so that alerts see the first", async () => {
  const metrics = new Metrics();
  metrics.requestsOf("orders");
  expect(await seriesOf(metrics, "serverless_requests_total")).toContainEqual({
    backend: "orders",
    outcome: "HOLD_TIMEOUT",
    value: 0,
  });
  expect(await seriesOf(metrics, "serverless_activations_total")).toContainEqual({
    backend: "orders",
    outcome: "failed",
    value: 0,
  });
  expect(await seriesOf(metrics, "serverless_wakes_total")).toContainEqual({
    backend: "orders",
    reason: "keep-warm",
    result: "failed",
    value: 0,
  });
});

test("keeps what a backend has counted when another plugin instance starts for it", async () => {
  const metrics = new Metrics();
  metrics.requestsOf("orders").refused("HOLD_TIMEOUT");
  metrics.requestsOf("orders");
  expect(await seriesOf(metrics, "serverless_requests_total")).toContainEqual({
    backend: "orders",
    outcome: "HOLD_TIMEOUT",
    value: 1,
  });
});
