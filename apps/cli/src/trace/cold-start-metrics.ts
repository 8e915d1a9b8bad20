import { fetchSamples, ServerlessError, withDeadline } from "@kong-serverless/runtime";

/** `BACKEND STAGE` -> seconds, summed over all cold starts so far. */
export type StageSums = ReadonlyMap<string, number>;

const timeoutMs = 5000;

/** Reads a plugin server's cold start metrics at `OPS_URL/metrics`. Throws TRACE_FAILED. */
export async function readStageSums(opsUrl: string, parent: AbortSignal): Promise<StageSums> {
  using deadline = withDeadline(timeoutMs, () => new Error(`no answer within ${timeoutMs} ms`), parent);
  const { href } = new URL("/metrics", opsUrl);
  try {
    const samples = await fetchSamples(opsUrl, deadline.signal);
    return new Map(
      samples
        .filter(({ name }) => name === "serverless_cold_start_seconds_sum")
        .map(({ labels, value }) => [`${labels["backend"]} ${labels["stage"]}`, value]),
    );
  } catch (error) {
    const { message, cause } = error as Error & { cause?: Error };
    throw new ServerlessError("TRACE_FAILED", `GET ${href}: ${cause?.message ?? message}`, { cause: error });
  }
}

/** The difference: the stages of the cold starts that ended in between. */
export function stagesBetween(before: StageSums, after: StageSums): { stage: string; durationMs: number }[] {
  return [...after].flatMap(([stage, seconds]) => {
    const durationMs = Math.round((seconds - (before.get(stage) ?? 0)) * 1000);
    return durationMs > 0 ? [{ stage, durationMs }] : [];
  });
}
