import { readPluginMetrics } from "../gateway/plugin-metrics.ts";

export interface PluginCounters {
  readonly probes: { readonly onPath: number; readonly inBackground: number };
  readonly wakes: { readonly onPath: number; readonly inBackground: number };
}

/** Reads the plugin server's own counters of probes and wake messages from its `/metrics`. */
export async function readPluginCounters(opsPort: number, signal: AbortSignal): Promise<PluginCounters> {
  const samples = await readPluginMetrics(opsPort, signal);
  const total = (metric: string, isCounted: (reason: string) => boolean) =>
    samples
      .filter(({ name, labels }) => name === metric && isCounted(labels["reason"] ?? ""))
      .reduce((sum, { value }) => sum + value, 0);
  const count = (metric: string, background: string) => ({
    onPath: total(metric, (reason) => reason !== background),
    inBackground: total(metric, (reason) => reason === background),
  });
  return {
    probes: count("serverless_probes_total", "lease"),
    wakes: count("serverless_wakes_total", "keep-warm"),
  };
}
