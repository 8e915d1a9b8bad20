import type { ProbeResult, ProbeTarget } from "@kong-serverless/health-poller";

import type { ActivatorEvent, WakeReason } from "./events.ts";

/** Asks the scaler to start a backend. */
export interface WakeMessage {
  readonly backend: string;
  readonly reason: WakeReason;
  readonly pubsub: string;
  readonly topic: string;
  readonly timeoutMs: number;
}

/** Where a pod listens. */
export interface PodAddress {
  readonly host: string;
  readonly port: number;
}

/** A pod behind a backend's Service, and how to probe it directly. */
export interface BackendPod {
  readonly address: PodAddress;
  readonly target: ProbeTarget;
}

/** What the activator needs from outside. */
export interface ActivatorDeps {
  /** Resolves once the broker has the message. Must settle within the message's `timeoutMs`. */
  readonly publishWake: (message: WakeMessage) => Promise<void>;
  /** Probes once. Must not reject, and must settle within the target's `timeoutMs`. */
  readonly probe: (target: ProbeTarget, signal?: AbortSignal) => Promise<ProbeResult>;
  /** The known pods behind the Service that a target leads to; absent if pods are not probed directly. */
  readonly podsOf?: (target: ProbeTarget) => readonly BackendPod[];
  /** Receives everything that happens, for logs and metrics. Must not throw. */
  readonly observe: (event: ActivatorEvent) => void;
}
