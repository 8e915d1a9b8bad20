import { expect, test } from "vitest";

import { RunningPlayground } from "./running-playground.ts";

const deadlineMs = 45_000;

async function submit(url: string, submitter: string, count: number): Promise<string[]> {
  const response = await fetch(`${url}/jobs`, {
    method: "POST",
    // Kong sets this header; the playground's gateway passes it on.
    headers: { "x-real-ip": submitter },
    body: JSON.stringify({ count, durationMs: 1000 }),
    signal: AbortSignal.timeout(deadlineMs),
  });
  expect(response.status).toBe(202);
  return ((await response.json()) as { ids: string[] }).ids;
}

/** One after another: concurrent requests would cause a second replica, which does not know the jobs. */
async function countDone(url: string, ids: readonly string[]): Promise<number> {
  let done = 0;
  for (const id of ids) {
    const response = await fetch(`${url}/jobs/${id}`);
    if (((await response.json()) as { state?: string }).state === "done") done += 1;
  }
  return done;
}

test("many jobs of one submitter do not delay a few of another", { timeout: 120_000 }, async () => {
  await using playground = await RunningPlayground.spawn(["--fair-jobs"]);
  const url = await playground.url();

  const many = await submit(url, "192.0.2.1", 60);
  const few = await submit(url, "192.0.2.2", 2);
  await expect.poll(() => countDone(url, few), { timeout: deadlineMs, interval: 250 }).toBe(few.length);
  expect(await countDone(url, many), "jobs done of who has many").toBeLessThan(many.length / 2);
  await expect.poll(() => countDone(url, many), { timeout: 60_000, interval: 500 }).toBe(many.length);
});
