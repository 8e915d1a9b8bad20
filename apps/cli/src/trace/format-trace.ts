import type { ClusterStage } from "./cluster-stages.ts";
import type { TraceStage, Trace } from "./trace.ts";

/** A trace as text for people. */
export function formatTrace(trace: Trace, request: string): string {
  const { status, isColdStart, totalMs, stages, refusal, serverTiming, pluginServer, cluster } = trace;
  const lines = [
    `${request}: ${status} in ${totalMs} ms, ${isColdStart ? "a cold start" : "warm"}`,
    ...formatStages(stages),
  ];
  if (refusal) {
    lines.push("", `${refusal.code}: ${refusal.title}`);
    if (refusal.retryAfterSeconds !== undefined) lines.push(`Retry in ${refusal.retryAfterSeconds} s.`);
  }
  const timings = serverTiming.flatMap(({ name, durationMs, description }) =>
    durationMs === undefined ? [] : [{ stage: description ? `${name} (${description})` : name, durationMs }],
  );
  if (timings.length > 0) lines.push("", "Server-Timing:", ...formatStages(timings));
  if (pluginServer) {
    lines.push("", "The plugin server's cold starts meanwhile:", ...formatStages(pluginServer));
    if (pluginServer.length === 0) lines.push("     none");
  }
  if (cluster) {
    lines.push("", "In the cluster, since the request was sent:", ...cluster.map(formatClusterStage));
    if (cluster.length === 0) lines.push("     nothing started");
  }
  return lines.join("\n");
}

function formatClusterStage({ stage, atMs, durationMs }: ClusterStage): string {
  return `${`${atMs}`.padStart(10)} ms  ${`+${durationMs}`.padStart(7)}  ${stage}`;
}

function formatStages(stages: readonly TraceStage[]): string[] {
  return stages.map(({ stage, durationMs }) => `${durationMs.toFixed(1).padStart(10)} ms  ${stage}`);
}
