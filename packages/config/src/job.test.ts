import { describe, expect, test } from "vitest";

import { type Job, type JobResult, jobResultSchema, jobSchema } from "./job.ts";

const job: Job = {
  id: "0b0f4f4e-5d0c-4b6a-9d70-1f8f3a1a1c11",
  kind: "demo",
  durationMs: 1000,
  callbackUrl: "http://127.0.0.1:8000/jobs/0b0f4f4e-5d0c-4b6a-9d70-1f8f3a1a1c11/result",
};

const result: JobResult = {
  id: job.id,
  status: "done",
  handledBy: "consumer-1",
  startedAt: "2026-11-23T14:00:00.000Z",
  finishedAt: "2026-11-23T14:00:01.000Z",
};

describe("jobSchema", () => {
  test("takes a job as the demo backend sends it", () => {
    expect(jobSchema.parse(job)).toEqual(job);
  });

  test.each([
    ["an id that is no UUID", { ...job, id: "../admin" }],
    ["another kind", { ...job, kind: "other" }],
    ["a negative duration", { ...job, durationMs: -1 }],
    ["a duration beyond an hour", { ...job, durationMs: 3_600_001 }],
    ["a fraction of a millisecond", { ...job, durationMs: 0.5 }],
    ["a callback that is not HTTP", { ...job, callbackUrl: "file:///etc/passwd" }],
    ["an unknown field", { ...job, priority: 1 }],
  ])("refuses %s", (_, value) => {
    expect(jobSchema.safeParse(value).success).toBe(false);
  });
});

describe("jobResultSchema", () => {
  test("takes a result, and a failed one with its reason", () => {
    expect(jobResultSchema.parse(result)).toEqual(result);
    expect(jobResultSchema.safeParse({ ...result, status: "failed", reason: "out of luck" }).success).toBe(
      true,
    );
  });

  test("bounds the reason", () => {
    expect(jobResultSchema.safeParse({ ...result, reason: "x".repeat(1001) }).success).toBe(false);
  });
});
