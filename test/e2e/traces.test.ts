import { TraceCollector } from "@kong-serverless/testing";
import { expect, it } from "vitest";

import { RunningPlayground } from "./running-playground.ts";

const deadlineMs = 30_000;

it(
  "the demo exports the spans of a cold start where OTEL_EXPORTER_OTLP_ENDPOINT says",
  { timeout: 60_000 },
  async () => {
    await using collector = await new TraceCollector().start();
    await using playground = await RunningPlayground.spawn([], {
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
    });
    const gateway = await playground.url();
    expect((await fetch(gateway, { signal: AbortSignal.timeout(deadlineMs) })).status).toBe(200);
    const wanted = ["serverless.activation", "serverless.hold", "serverless.probe", "serverless.wake"];
    const names = () => [...new Set(collector.spans.map(({ name }) => name))].sort();
    await expect.poll(names, { timeout: deadlineMs }).toEqual(wanted);
  },
);
