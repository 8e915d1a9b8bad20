import type { ProbeResult } from "@kong-serverless/health-poller";

/** `activation`: the first of an activation; `repeat`: a later one, in case it was lost; `keep-warm`: under traffic. */
export type WakeReason = "activation" | "repeat" | "keep-warm";

/** `activation`: requests wait for the answer; `lease`: in the background, for a backend that is ready. */
export type ProbeReason = "activation" | "lease";

/** What happened to a backend, in the past tense. Times are milliseconds. */
export type ActivatorEvent = { readonly backend: string } & (
  | { readonly event: "request.held"; readonly held: number }
  | { readonly event: "activation.started" }
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
      readonly code: "NOT_READY_IN_TIME";
      readonly waitedMs: number;
      readonly probes: number;
    }
  /** Before anything is published, and for a backend without a topic too: the scaler may be told another way. */
  | { readonly event: "wake.started"; readonly reason: WakeReason }
  | { readonly event: "wake.published"; readonly reason: WakeReason; readonly durationMs: number }
  | { readonly event: "wake.failed"; readonly reason: WakeReason; readonly error: unknown }
  | { readonly event: "probe.answered"; readonly reason: ProbeReason; readonly result: ProbeResult }
  | { readonly event: "lease.lost"; readonly cause: "probe" | "proxy" }
  | { readonly event: "in_flight.written_off"; readonly inFlight: number }
  | { readonly event: "settings.replaced" }
  /** Nobody claims the name any more: what was counted under it can go. */
  | { readonly event: "backend.forgotten" }
);
