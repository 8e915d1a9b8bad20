import type { BackendSettings } from "@kong-serverless/config";
import type { ProbeResult } from "@kong-serverless/health-poller";
import { vi } from "vitest";

import type { ActivatorDeps, WakeMessage } from "../activator-deps.ts";
import type { GatewayLimits } from "../backend.ts";
import type { ActivatorEvent } from "../events.ts";

export const settings: BackendSettings = {
  name: "demo",
  wake: { pubsub: "pubsub", topic: "wake-demo" },
  health: "/healthz",
  intervalMs: 20,
  holdTimeoutMs: 10_000,
  keepWarmIntervalMs: 20_000,
  wakeRepeatMs: 5000,
  readyLeaseMs: 2000,
  publishTimeoutMs: 1000,
  probeTimeoutMs: 1000,
  probeConnectTimeoutMs: 100,
  probeStatuses: { min: 200, max: 399 },
  inFlightMaxSeconds: 3600,
  maxHeldPerBackend: 100,
  releaseConcurrency: 0,
};

export const limits: GatewayLimits = {
  maxHeldTotal: 1000,
  maxActivations: 0,
  maxHeldPerClient: 0,
  maxColdStartsPerClient: 0,
};

export const url = "http://demo/healthz";

/** The world around an activator. Tests set whether the backend answers and messages are accepted. */
export class World implements ActivatorDeps {
  isBackendUp = false;
  publishError: Error | undefined;
  probeMs = 1;
  publishMs = 1;
  readonly messages: WakeMessage[] = [];
  readonly events: ActivatorEvent[] = [];
  probes = 0;
  /** Probes without an answer yet. */
  probesUnderWay = 0;

  readonly publishWake = async (message: WakeMessage): Promise<void> => {
    this.messages.push(message);
    await passes(this.publishMs);
    if (this.publishError !== undefined) throw this.publishError;
  };

  readonly probe: ActivatorDeps["probe"] = async (): Promise<ProbeResult> => {
    this.probes += 1;
    this.probesUnderWay += 1;
    await passes(this.probeMs);
    this.probesUnderWay -= 1;
    return { isReady: this.isBackendUp, durationMs: this.probeMs };
  };

  readonly observe = (event: ActivatorEvent): void => {
    this.events.push(event);
  };

  count(event: ActivatorEvent["event"]): number {
    return this.events.filter((observed) => observed.event === event).length;
  }
}

/** Lets fake time pass, with everything that happens in it. */
export async function advance(ms: number): Promise<void> {
  await vi.advanceTimersByTimeAsync(ms);
}

function passes(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}
