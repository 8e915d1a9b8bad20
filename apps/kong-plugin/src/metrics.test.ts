import { expect, test } from "vitest";

import { Metrics } from "./metrics.ts";

test("counts what alerts look at from zero, so that they see the first of it", async () => {
  const metrics = new Metrics();
  metrics.requestsOf("orders");
  const exposition = await metrics.registry.metrics();
  expect(exposition).toContain('serverless_requests_total{backend="orders",outcome="HOLD_TIMEOUT"} 0');
  expect(exposition).toContain('serverless_activations_total{backend="orders",outcome="failed"} 0');
  expect(exposition).toContain(
    'serverless_wakes_total{backend="orders",reason="keep-warm",result="failed"} 0',
  );
});

test("keeps what a backend has counted when another plugin instance starts for it", async () => {
  const metrics = new Metrics();
  metrics.requestsOf("orders").refused("HOLD_TIMEOUT");
  metrics.requestsOf("orders");
  expect(await metrics.registry.metrics()).toContain(
    'serverless_requests_total{backend="orders",outcome="HOLD_TIMEOUT"} 1',
  );
});

test("adds up the warm requests of all instances for a backend, whenever it is asked", async () => {
  const metrics = new Metrics();
  const series = 'serverless_requests_total{backend="orders",outcome="warm"}';
  const [one, other] = [metrics.requestsOf("orders"), metrics.requestsOf("orders")];
  one.warm.inc();
  other.warm.inc();
  expect(await metrics.registry.metrics()).toContain(`${series} 2`);
  other.warm.inc();
  expect(await metrics.registry.metrics()).toContain(`${series} 3`);
});
