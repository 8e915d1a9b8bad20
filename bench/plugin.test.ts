import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

import { expect, test } from "vitest";

const positive = expect.toSatisfy((value: unknown) => Number.isFinite(value) && (value as number) > 0);

/** Starting ten servers takes longer than a test's default time limit. */
const timeoutMs = 120_000;

test(
  "the benchmark of the plugin ends with one line of JSON that has every figure",
  async () => {
    const main = fileURLToPath(new URL("main.ts", import.meta.url));
    const { stdout } = await promisify(execFile)(process.execPath, [main, "plugin", "--json", "--quick"]);

    const report = JSON.parse(stdout.trimEnd().split("\n").at(-1) ?? "") as Record<string, unknown>;
    const variants = [
      "stock-empty",
      "empty",
      "serverless",
      "serverless-target",
      "serverless-log",
      "original",
    ];
    expect(report).toEqual({
      warm: [1, 16, 64].flatMap((connections) =>
        variants.map((variant) => ({
          variant,
          connections,
          eventsPerSecond: positive,
          p50Ms: positive,
          p99Ms: positive,
        })),
      ),
      ratios: [1, 16, 64].map((connections) => ({
        connections,
        serverlessToEmpty: positive,
        serverlessToStock: positive,
      })),
      coldStart: [
        [1, 2],
        [20, 2],
        [200, 1],
      ].map(([holds, activations]) => ({
        holds,
        activations,
        p50Ms: positive,
        p99Ms: positive,
        allReleasedMs: positive,
        wakeMessages: positive,
      })),
      memory: { idleMiB: positive, perHoldKiB: positive, afterMillionEventsMiB: positive },
      machine: expect.any(Object),
      versions: expect.objectContaining({ "kong-pdk": expect.any(String) }),
    });
  },
  timeoutMs,
);
