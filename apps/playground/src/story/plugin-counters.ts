export interface PluginCounters {
  readonly probes: { readonly onPath: number; readonly inBackground: number };
  readonly wakes: { readonly onPath: number; readonly inBackground: number };
}

/** Reads the plugin server's own counters of probes and wake messages from its `/metrics`. */
export async function readPluginCounters(opsPort: number, signal: AbortSignal): Promise<PluginCounters> {
  const response = await fetch(`http://127.0.0.1:${opsPort}/metrics`, { signal });
  const samples = parseSamples(await response.text());
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

interface Sample {
  readonly name: string;
  readonly labels: Record<string, string>;
  readonly value: number;
}

/** https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format */
function parseSamples(exposition: string): Sample[] {
  return [...exposition.matchAll(/^(\w+)\{(.*)\} (\S+)$/gm)].map(([, name = "", labels = "", value]) => ({
    name,
    labels: Object.fromEntries([...labels.matchAll(/(\w+)="([^"]*)"/g)].map(([, key, text]) => [key, text])),
    value: Number(value),
  }));
}
