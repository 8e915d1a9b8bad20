/** One labelled series with its value now. */
export interface MetricSample {
  readonly name: string;
  readonly labels: Record<string, string>;
  readonly value: number;
}

/** Reads what the plugin server tells of itself at its `/metrics`. */
export async function readPluginMetrics(opsPort: number, signal: AbortSignal): Promise<MetricSample[]> {
  const response = await fetch(`http://127.0.0.1:${opsPort}/metrics`, { signal });
  return parseSamples(await response.text());
}

/** https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format */
function parseSamples(exposition: string): MetricSample[] {
  return [...exposition.matchAll(/^(\w+)\{(.*)\} (\S+)$/gm)].map(([, name = "", labels = "", value]) => ({
    name,
    labels: Object.fromEntries([...labels.matchAll(/(\w+)="([^"]*)"/g)].map(([, key, text]) => [key, text])),
    value: Number(value),
  }));
}
