import type { ProbeResult } from "@kong-serverless/health-poller";

/** `activation`: the first of an activation; `repeat`: a later one, in case it was lost; `keep-warm`: under traffic. */
export type WakeReason = "activation" | "repeat" | "keep-warm";

/** `activation`: requests wait for the answer; `lease`: in the background, for a backend that is ready. */
export type ProbeReason = "activation" | "lease";

/** What happened to a backend, in the past tense. Times are milliseconds. */
export type ActivatorEvent = { readonly backend: string } & (
  | { readonly event: "request.held"; readonly held: number }
  /** `wokenBy`: the backend whose requests need this one too. */
  | { readonly event: "activation.started"; readonly wokenBy?: string }
  /** A pod answered by itself, before its Service leads to it: requests go to that pod until the Service answers too. */
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
      /** The latter: the backend itself was ready, and one that it waits for was not. */
      readonly code: "NOT_READY_IN_TIME" | "CHAIN_NOT_READY";
      readonly waitedMs: number;
      readonly probes: number;
      readonly blockedBy?: readonly string[];
    }
  /** Nobody has configured a backend that this one names, directly or through others; or it names too many. */
  | { readonly event: "chain.broken"; readonly chained: string; readonly cause: "unknown" | "too_long" }
  /** Before anything is published, and for a backend without a topic too: the scaler may be notified another way. */
  | { readonly event: "wake.started"; readonly reason: WakeReason }
  | { readonly event: "wake.published"; readonly reason: WakeReason; readonly durationMs: number }
  | { readonly event: "wake.failed"; readonly reason: WakeReason; readonly error: unknown }
  | { readonly event: "probe.answered"; readonly reason: ProbeReason; readonly result: ProbeResult }
  | { readonly event: "lease.lost"; readonly cause: "probe" | "proxy" | "chain" }
  | { readonly event: "in_flight.written_off"; readonly inFlight: number }
  | { readonly event: "settings.replaced" }
  /** Nobody claims the name any more: its metrics can be dropped. */
  | { readonly event: "backend.forgotten" }
);
