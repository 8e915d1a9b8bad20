import type { ProbeResult, ProbeTarget } from "@kong-serverless/health-poller";

import type { ActivatorEvent, WakeReason } from "./events.ts";

/** Asks the scaler for a backend, through whatever carries such messages. */
export interface WakeMessage {
  readonly backend: string;
  readonly reason: WakeReason;
  readonly pubsub: string;
  readonly topic: string;
}

/** What the activator needs from the world. */
export interface Collaborators {
  /** Resolves once the message was taken. Must settle soon after `signal` aborts. */
  readonly publishWake: (message: WakeMessage, signal: AbortSignal) => Promise<void>;
  /** Asks once. Must not reject, and must settle within the target's `timeoutMs`. */
  readonly probe: (target: ProbeTarget, signal?: AbortSignal) => Promise<ProbeResult>;
  /** Is told everything that happens, for logs and metrics. Must not throw. */
  readonly observe: (event: ActivatorEvent) => void;
}
