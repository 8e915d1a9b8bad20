import type { ProbeResult } from "@kong-serverless/health-poller";

/** `activation`: the first of an activation; `repeat`: another one, in case that was lost; `keep-warm`: under traffic. */
export type WakeReason = "activation" | "repeat" | "keep-warm";

/** `activation`: requests wait for the answer; `lease`: in the background, for a ready backend. */
type ProbeReason = "activation" | "lease";

/** What happened to a backend. Times are milliseconds. */
export type ActivatorEvent = { readonly backend: string } & (
  | { readonly event: "request.held"; readonly held: number }
  /** `wokenBy`: the backend whose requests need this one too. */
  | { readonly event: "activation.started"; readonly wokenBy?: string }
  /** A pod is ready before its Service: requests go to that pod until the Service answers too. */
  | {
      readonly event: "activation.pod_answered";
      readonly pod: string;
      readonly waitedMs: number;
      readonly held: number;
    }
  | {
      readonly event: "activation.ready";
      readonly waitedMs: number;
      readonly probes: number;
      readonly held: number;
    }
  | {
      readonly event: "activation.failed";
      /** CHAIN_NOT_READY: the backend itself was ready, but not one that it waits for. */
      readonly code: "NOT_READY_IN_TIME" | "CHAIN_NOT_READY";
      readonly waitedMs: number;
      readonly probes: number;
      readonly blockedBy?: readonly string[];
    }
  /** A backend that this one names, directly or through others, is not configured; or it names too many. */
  | { readonly event: "chain.broken"; readonly chained: string; readonly cause: "unknown" | "too_long" }
  /** Before anything is published, also for a backend without a topic: the scaler may be notified another way. */
  | { readonly event: "wake.started"; readonly reason: WakeReason }
  | { readonly event: "wake.published"; readonly reason: WakeReason; readonly durationMs: number }
  | { readonly event: "wake.failed"; readonly reason: WakeReason; readonly error: unknown }
  | { readonly event: "probe.answered"; readonly reason: ProbeReason; readonly result: ProbeResult }
  | { readonly event: "lease.lost"; readonly cause: "probe" | "proxy" | "chain" }
  | { readonly event: "in_flight.written_off"; readonly inFlight: number }
  | { readonly event: "settings.replaced" }
  /** The name is no longer claimed: its metrics can be dropped. */
  | { readonly event: "backend.forgotten" }
);
