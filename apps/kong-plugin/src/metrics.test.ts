import { expect, test } from "vitest";

import { Metrics } from "./metrics.ts";

test("starts what alerts count at zero, so that they see the first increase", async () => {
  const metrics = new Metrics();
  metrics.requestsOf("orders");
  const exposition = await metrics.registry.metrics();
  expect(exposition).toContain('serverless_configuration_refusals_total{code="CONFIG_REFUSED"} 0');
  expect(exposition).toContain('serverless_requests_total{backend="orders",outcome="HOLD_TIMEOUT"} 0');
  expect(exposition).toContain('serverless_activations_total{backend="orders",outcome="failed"} 0');
  expect(exposition).toContain(
    'serverless_wakes_total{backend="orders",reason="keep-warm",result="failed"} 0',
  );
});

test("shows nothing of a backend that was forgotten", async () => {
  const metrics = new Metrics();
  const before = await metrics.registry.metrics();
  const requests = metrics.requestsOf("orders");
  requests.warm.inc();
  requests.held({ waitedMs: 100, probes: 2 });
  requests.refused("HOLD_TIMEOUT");
  metrics.observe({ event: "activation.started", backend: "orders" });
  metrics.observe({ event: "wake.published", backend: "orders", reason: "activation", durationMs: 1 });
  metrics.observe({ event: "activation.ready", backend: "orders", waitedMs: 100, probes: 2, held: 1 });
  metrics.observe({
    event: "probe.answered",
    backend: "orders",
    reason: "lease",
    result: { isReady: true, durationMs: 1 },
  });
  metrics.observe({ event: "lease.lost", backend: "orders", cause: "probe" });
  metrics.observe({ event: "in_flight.written_off", backend: "orders", inFlight: 1 });
  expect(await metrics.registry.metrics()).toContain("orders");
  metrics.observe({ event: "backend.forgotten", backend: "orders" });
  expect(await metrics.registry.metrics()).toBe(before);
});

test("counts the backends beyond its limit together, until there is room for them", async () => {
  const metrics = new Metrics(1);
  metrics.requestsOf("first").refused("HOLD_TIMEOUT");
  for (const backend of ["second", "third"]) metrics.requestsOf(backend).refused("HOLD_TIMEOUT");
  const exposition = await metrics.registry.metrics();
  expect(exposition).toContain('serverless_requests_total{backend="first",outcome="HOLD_TIMEOUT"} 1');
  expect(exposition).toContain('serverless_requests_total{backend="(other)",outcome="HOLD_TIMEOUT"} 2');
  expect(exposition).not.toContain(`"second"`);
  metrics.observe({ event: "backend.forgotten", backend: "first" });
  metrics.requestsOf("second").refused("HOLD_TIMEOUT");
  expect(await metrics.registry.metrics()).toContain('{backend="second",outcome="HOLD_TIMEOUT"} 1');
});

test("keeps a backend's counts when another plugin instance starts for it", async () => {
  const metrics = new Metrics();
  metrics.requestsOf("orders").refused("HOLD_TIMEOUT");
  metrics.requestsOf("orders");
  expect(await metrics.registry.metrics()).toContain(
    'serverless_requests_total{backend="orders",outcome="HOLD_TIMEOUT"} 1',
  );
});

test("adds up a backend's warm requests over all instances, at each scrape", async () => {
  const metrics = new Metrics();
  const series = 'serverless_requests_total{backend="orders",outcome="warm"}';
  const [one, other] = [metrics.requestsOf("orders"), metrics.requestsOf("orders")];
  one.warm.inc();
  other.warm.inc();
  expect(await metrics.registry.metrics()).toContain(`${series} 2`);
  other.warm.inc();
  expect(await metrics.registry.metrics()).toContain(`${series} 3`);
});
