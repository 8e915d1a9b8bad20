import { describe, expect, it, vi } from "vitest";

import { get, postJobs, toZero, untilReplicas } from "./steps.ts";
import { isCluster, startSystem, type SystemUnderTest, worker } from "./system-under-test.ts";

/**
 * The remaining jobs must outlast the HPA's decision to remove a worker: in a cluster it syncs every 15 s and waits for
 * a minute of lower demand, in the playground for a few seconds.
 */
const outlasting = isCluster
  ? { jobMs: 45_000, takenAwayMs: 180_000, doneMs: 400_000 }
  : { jobMs: 5000, takenAwayMs: 60_000, doneMs: 90_000 };

/** One after another: concurrent requests would cause a second replica, which does not know the jobs. */
async function countDone(system: SystemUnderTest, ids: readonly string[]): Promise<number> {
  let done = 0;
  for (const id of ids) {
    const { body } = await get(system, `/jobs/${id}`);
    if ((body as { state?: string }).state === "done") done += 1;
  }
  return done;
}

/** Results live in the memory of the backend's replica, which these requests keep up. */
async function untilDone(system: SystemUnderTest, ids: readonly string[], withinMs: number): Promise<void> {
  await vi.waitFor(async () => expect(await countDone(system, ids), "jobs done").toBe(ids.length), {
    timeout: withinMs,
    interval: 500,
  });
}

// What KEDA guarantees a worker, and what not: docs/consumer.md.
describe("job stories", { timeout: isCluster ? 900_000 : 240_000, concurrent: !isCluster }, () => {
  it("a job that outlasts the cooldown is finished: messages in flight keep the last worker", async () => {
    await using system = await startSystem();
    const ids = await postJobs(system, { count: 1, durationMs: 15_000 });
    await untilDone(system, ids, 40_000);
    expect(await system.replicas(worker)).toBe(1);
    await toZero(system, worker);
  });

  it("jobs of workers that the HPA removes while they work are still finished", async () => {
    await using system = await startSystem();
    // Enough messages for two workers with two at a time each. When the first are done, one worker suffices.
    const ids = await postJobs(system, { count: 14, durationMs: outlasting.jobMs });
    const takeAway = async () => {
      await untilReplicas(system, worker, (replicas) => replicas > 1, 30_000);
      await untilReplicas(system, worker, (replicas) => replicas === 1, outlasting.takenAwayMs);
      expect(await countDone(system, ids), "jobs done when a worker is taken away").toBeLessThan(ids.length);
    };
    await Promise.all([untilDone(system, ids, outlasting.doneMs), takeAway()]);
    await toZero(system, worker);
  });
});
