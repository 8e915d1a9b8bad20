import { expect, test } from "vitest";

import { JobQueue } from "./job-queue.ts";

const turn = () => new Promise((resolve) => setImmediate(resolve));

/** Turns of the event loop until all of `count` jobs that were added at once have run. */
async function turnsFor(queue: JobQueue, count: number): Promise<number> {
  const ran: number[] = [];
  for (let nth = 0; nth < count; nth += 1) queue.add(() => ran.push(nth));
  let turns = 0;
  for (; ran.length < count; turns += 1) await turn();
  return turns;
}

test("runs a few jobs before add returns, and as many again once it has been quiet", async () => {
  const queue = new JobQueue({ turnsBetween: 2 });
  expect(await turnsFor(queue, 10)).toBe(0);
  await turn();
  expect(await turnsFor(queue, 10)).toBe(0);
});

test("runs one job every few turns when there are many, in the order in which they came", async () => {
  const queue = new JobQueue({ turnsBetween: 3 });
  const ran: number[] = [];
  const turns = turnsFor(queue, 30);
  for (let nth = 0; nth < 5; nth += 1) queue.add(() => ran.push(nth));
  expect(await turns).toBeGreaterThanOrEqual(20 * 3 - 2);
  while (ran.length < 5) await turn();
  expect(ran).toEqual([0, 1, 2, 3, 4]);
});

test("a job may add others", async () => {
  const queue = new JobQueue({ turnsBetween: 1 });
  const ran: object[] = [];
  const add = () => {
    ran.push({});
    if (ran.length < 100) queue.add(add);
  };
  queue.add(add);
  while (ran.length < 100) await turn();
  expect(ran).toHaveLength(100);
});
