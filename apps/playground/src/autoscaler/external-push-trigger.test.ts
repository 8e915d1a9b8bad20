import { ScalerServer } from "@kong-serverless/keda-scaler";
import { RecordingLog } from "@kong-serverless/testing";
import { expect, it, onTestFinished, vi } from "vitest";

import { ExternalPushTrigger } from "./external-push-trigger.ts";

async function startScaler() {
  const state = { demand: 0 };
  const options = { host: "127.0.0.1", port: 0, peers: [], log: new RecordingLog() };
  const scaler = new ScalerServer({ ...options, demand: () => state.demand });
  const port = await scaler.start();
  onTestFinished(() => scaler.stop());
  return { scaler, state, port };
}

function connect(port: number) {
  const trigger = new ExternalPushTrigger({
    name: "push",
    settings: { scalerAddress: "gateway.kong.svc:8091", backend: "web", targetValue: "4" },
    address: `127.0.0.1:${port}`,
    scaledObject: { name: "web", namespace: "shop" },
  });
  const stopping = new AbortController();
  const onActive = vi.fn<() => void>();
  return { trigger, stopping, onActive };
}

it("hears of its backend's wake at once, and is polled the way KEDA polls", async () => {
  const { scaler, state, port } = await startScaler();
  const { trigger, stopping, onActive } = connect(port);
  const listening = trigger.listen(onActive, stopping.signal);
  await expect.poll(() => scaler.streams("web")).toBe(1);
  scaler.wake("web");
  await expect.poll(() => onActive.mock.calls.length).toBe(1);
  state.demand = 3;
  expect(await trigger.read(stopping.signal)).toEqual({ value: 3, isActive: true, targetPerReplica: 4 });
  stopping.abort();
  await listening;
  await expect.poll(() => scaler.streams("web")).toBe(0);
});

it("fails if nobody answers, and keeps trying to listen until stopped", async () => {
  const { scaler, port } = await startScaler();
  await scaler.stop();
  const { trigger, stopping, onActive } = connect(port);
  await expect(trigger.read(stopping.signal)).rejects.toThrow(/UNAVAILABLE/);
  const listening = trigger.listen(onActive, stopping.signal);
  stopping.abort();
  await listening;
  expect(onActive).not.toHaveBeenCalled();
});
