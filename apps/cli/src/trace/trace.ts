import type { ClusterStage } from "./cluster-stages.ts";
import { parseServerTiming, type ServerTiming } from "./server-timing.ts";
import type { Moment, TimedResponse } from "./timed-request.ts";

/** A part of a request's time; the parts add up to all of it. */
export interface TraceStage {
  readonly stage: string;
  readonly durationMs: number;
}

export interface Trace {
  /** Whether the request was proxied without an error from the gateway or the backend. */
  readonly ok: boolean;
  readonly status: number;
  readonly isColdStart: boolean;
  readonly totalMs: number;
  readonly stages: readonly TraceStage[];
  readonly serverTiming: readonly ServerTiming[];
  /** The plugin's own refusal, if it is one: a code of docs/errors.md. */
  readonly refusal:
    | { readonly code: string; readonly title: string; readonly retryAfterSeconds?: number }
    | undefined;
  /** What the plugin server measured in the meantime, for all waiting requests. */
  readonly pluginServer: readonly TraceStage[] | undefined;
  /** What the cluster did in the meantime. */
  readonly cluster: readonly ClusterStage[] | undefined;
}

const heldHeader = "x-serverless-held-ms";
const backendHeader = "x-kong-upstream-latency";

/** Breaks down a request's time, from what was measured here and what the response says. */
export function readTrace(response: TimedResponse, seen: Pick<Trace, "pluginServer" | "cluster">): Trace {
  const { status, headers, moments } = response;
  const heldMs = heldMsOf(response);
  return {
    ok: status < 500,
    status,
    isColdStart: heldMs > 0,
    totalMs: round(moments.get("answered") ?? 0),
    stages: stagesOf(moments, heldMs, Number(headers[backendHeader] ?? Number.NaN)),
    serverTiming: parseServerTiming(String(headers["server-timing"] ?? "")),
    refusal: refusalOf(response),
    ...seen,
  };
}

/** When the gateway let a held request go, in milliseconds since it was sent; undefined for one that was not held. */
export function releasedAfterMs(response: TimedResponse): number | undefined {
  const heldMs = heldMsOf(response);
  return heldMs > 0 ? (response.moments.get("sent") ?? 0) + heldMs : undefined;
}

function heldMsOf({ headers }: TimedResponse): number {
  return Number(headers[heldHeader] ?? 0);
}

function stagesOf(moments: ReadonlyMap<Moment, number>, heldMs: number, backendMs: number): TraceStage[] {
  const stages: TraceStage[] = [];
  let last = 0;
  const names: readonly (readonly [Moment, string])[] = [
    ["resolved", "name lookup"],
    ["connected", "connect"],
    ["secured", "TLS"],
    ["sent", "request sent"],
  ];
  for (const [moment, stage] of names) {
    const atMs = moments.get(moment);
    if (atMs === undefined) continue;
    stages.push({ stage, durationMs: round(Math.max(0, atMs - last)) });
    last = Math.max(last, atMs);
  }
  const firstByteMs = moments.get("first byte") ?? last;
  const waitMs = firstByteMs - last;
  if (heldMs > 0) stages.push({ stage: "held, backend starting", durationMs: heldMs });
  if (Number.isNaN(backendMs)) {
    stages.push({ stage: "gateway and backend", durationMs: round(Math.max(0, waitMs - heldMs)) });
  } else {
    stages.push({
      stage: "gateway and network",
      durationMs: round(Math.max(0, waitMs - heldMs - backendMs)),
    });
    stages.push({ stage: "backend", durationMs: backendMs });
  }
  stages.push({ stage: "body", durationMs: round((moments.get("answered") ?? firstByteMs) - firstByteMs) });
  return stages;
}

function refusalOf({ headers, body }: TimedResponse): Trace["refusal"] {
  if (headers["content-type"]?.startsWith("application/problem+json") !== true) return undefined;
  try {
    const { code, title } = JSON.parse(body) as { code?: unknown; title?: unknown };
    if (typeof code !== "string") return undefined;
    const retryAfter = Number(headers["retry-after"]);
    return {
      code,
      title: typeof title === "string" ? title : "",
      ...(Number.isFinite(retryAfter) && { retryAfterSeconds: retryAfter }),
    };
  } catch {
    return undefined;
  }
}

function round(ms: number): number {
  return Math.round(ms * 10) / 10;
}
