import { ServerlessError, withDeadline } from "@kong-serverless/runtime";

/** Stages of a cold start by backend, in seconds, summed over all cold starts so far. */
export type StageSums = ReadonlyMap<string, number>;

const timeoutMs = 5000;
const stageLine = /^serverless_cold_start_seconds_sum\{([^}]*)\} (\S+)$/gm;

/** Reads a plugin server's cold start metrics at `OPS_URL/metrics`. Throws TRACE_FAILED. */
export async function readStageSums(opsUrl: string, parent: AbortSignal): Promise<StageSums> {
  using deadline = withDeadline(timeoutMs, () => new Error(`no answer within ${timeoutMs} ms`), parent);
  const url = new URL("/metrics", opsUrl);
  try {
    const response = await fetch(url, { signal: deadline.signal });
    if (!response.ok) throw new Error(`status ${response.status}`);
    return parseStageSums(await response.text());
  } catch (error) {
    const { message, cause } = error as Error & { cause?: Error };
    throw new ServerlessError("TRACE_FAILED", `GET ${url.href}: ${cause?.message ?? message}`, {
      cause: error,
    });
  }
}

/** `BACKEND STAGE` -> seconds */
function parseStageSums(metrics: string): StageSums {
  return new Map(
    [...metrics.matchAll(stageLine)].map(([, labels = "", value]) => [
      `${label(labels, "backend")} ${label(labels, "stage")}`,
      Number(value),
    ]),
  );
}

/** The difference: the stages of the cold starts that ended in between. */
export function stagesBetween(before: StageSums, after: StageSums): { stage: string; durationMs: number }[] {
  return [...after].flatMap(([stage, seconds]) => {
    const durationMs = Math.round((seconds - (before.get(stage) ?? 0)) * 1000);
    return durationMs > 0 ? [{ stage, durationMs }] : [];
  });
}

function label(labels: string, name: string): string {
  return new RegExp(`(?:^|,)${name}="([^"]*)"`).exec(labels)?.[1] ?? "";
}
