import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

import { linux, needs } from "@kong-serverless/testing";
import { expect, test } from "vitest";

const positive = expect.toSatisfy((value: unknown) => Number.isFinite(value) && (value as number) > 0);
const number = expect.toSatisfy((value: unknown) => Number.isFinite(value));

test(
  "the benchmark at scale ends with one line of JSON that has every figure",
  { timeout: 120_000, ...needs(linux) },
  async () => {
    const main = fileURLToPath(new URL("main.ts", import.meta.url));
    const { stdout } = await promisify(execFile)(process.execPath, [main, "scale", "--json", "--quick"]);
    const report = JSON.parse(stdout.trimEnd().split("\n").at(-1) ?? "") as Record<string, unknown>;
    expect(report).toMatchObject({
      sleeping: [1, 20].map((backends) => ({
        backends,
        cores: number,
        probesPerSecond: positive,
        worstOverrunMs: number,
        warmP50Ms: positive,
        warmP99Ms: positive,
        releasedP50Ms: positive,
        releasedP99Ms: positive,
      })),
      names: [10, 200].map((names) => ({
        names,
        heapMiB: positive,
        rssMiB: positive,
        shrunkRssMiB: positive,
        metricsKiB: positive,
        scrapeMs: positive,
      })),
      connectAndLeave: {
        somaxconn: positive,
        rows: [{ connections: 100, refused: number, tookMs: positive }],
      },
      pace: [
        { releaseConcurrency: 0, requests: 60, lastAnswerMs: positive },
        { releaseConcurrency: 10, requests: 60, refused: 0, lastAnswerMs: positive },
      ],
      machine: expect.any(Object),
    });
  },
);
