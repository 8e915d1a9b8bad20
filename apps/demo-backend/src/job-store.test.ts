import { randomUUID } from "node:crypto";

import type { Job, JobResult } from "@kong-serverless/config";
import { describe, expect, test } from "vitest";

import { JobStore } from "./job-store.ts";

const createJob = (): Job => ({
  id: randomUUID(),
  kind: "demo",
  durationMs: 1,
  callbackUrl: "http://gateway",
});
const resultOf = ({ id }: Job): JobResult => ({
  id,
  status: "done",
  handledBy: "consumer",
  startedAt: "2026-11-23T14:00:00.000Z",
  finishedAt: "2026-11-23T14:00:01.000Z",
});

describe("JobStore", () => {
  test("forgets the oldest job beyond its limit", () => {
    const store = new JobStore();
    const jobs = Array.from({ length: 10_001 }, createJob);
    for (const job of jobs) store.add(job);
    expect(store.counts().queued).toBe(10_000);
    expect(store.get(jobs[0]?.id ?? "")).toBeUndefined();
    expect(store.get(jobs[1]?.id ?? "")).toMatchObject({ state: "queued" });
  });

  test("keeps a job whose result came even though publishing it seemed to fail", () => {
    const store = new JobStore();
    const job = createJob();
    store.add(job);
    store.finish(resultOf(job));
    store.drop(job.id);
    expect(store.get(job.id)).toMatchObject({ state: "done" });
  });
});
