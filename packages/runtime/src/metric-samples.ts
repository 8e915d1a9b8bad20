export interface MetricSample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

const sampleLine =
  /^[ \t]*([a-zA-Z_:][\w:]*)(?:[ \t]*\{((?:[^"}\n]|"(?:[^"\\\n]|\\.)*")*)\}[ \t]*|[ \t]+)(\S+)(?:[ \t]+-?\d+)?[ \t]*$/gm;
const labelPair = /([a-zA-Z_]\w*)[ \t]*=[ \t]*"((?:[^"\\]|\\.)*)"/g;

/**
 * Reads Prometheus' text format, without timestamps. Lines that hold no sample are skipped.
 * https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format
 */
export function parseSamples(text: string): MetricSample[] {
  return [...text.matchAll(sampleLine)].flatMap(([, name = "", labels = "", value = ""]) => {
    const number = parseValue(value);
    return number === undefined ? [] : [{ name, labels: parseLabels(labels), value: number }];
  });
}

/** Reads `OPS_URL/metrics`. Rejects unless it is answered with 200. */
export async function fetchSamples(opsUrl: string, signal?: AbortSignal): Promise<MetricSample[]> {
  const response = await fetch(new URL("/metrics", opsUrl), signal ? { signal } : {});
  const text = await response.text();
  if (!response.ok) throw new Error(`status ${response.status}`);
  return parseSamples(text);
}

/** The sum over all samples of a metric that have these labels; 0 if there are none. */
export function sumSamples(
  samples: readonly MetricSample[],
  metric: string,
  wanted: Readonly<Record<string, string>> = {},
): number {
  return samples
    .filter(({ name }) => name === metric)
    .filter(({ labels }) => Object.entries(wanted).every(([label, value]) => labels[label] === value))
    .reduce((sum, { value }) => sum + value, 0);
}

function parseLabels(text: string): Record<string, string> {
  return Object.fromEntries(
    [...text.matchAll(labelPair)].map(([, label = "", value = ""]) => [
      label,
      value.replaceAll(/\\(.)/g, (_, escaped: string) => (escaped === "n" ? "\n" : escaped)),
    ]),
  );
}

function parseValue(text: string): number | undefined {
  const infinite = /^([+-]?)inf(?:inity)?$/i.exec(text);
  if (infinite) return infinite[1] === "-" ? -Infinity : Infinity;
  if (/^nan$/i.test(text)) return Number.NaN;
  return Number.isNaN(Number(text)) ? undefined : Number(text);
}
