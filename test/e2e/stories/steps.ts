import { setTimeout as pause } from "node:timers/promises";

import { expect, vi } from "vitest";

import type { SystemUnderTest } from "./system-under-test.ts";

/** Resolves once a Deployment's replicas are as wanted; rejects after `withinMs` with their number. */
export async function untilReplicas(
  system: SystemUnderTest,
  deployment: string,
  isWanted: (replicas: number) => boolean,
  withinMs: number,
): Promise<void> {
  await vi.waitFor(
    async () => expect(await system.replicas(deployment), `replicas of ${deployment}`).toSatisfy(isWanted),
    { timeout: withinMs, interval: 200 },
  );
}

export const toZero = (system: SystemUnderTest, deployment: string): Promise<void> =>
  untilReplicas(system, deployment, (replicas) => replicas === 0, system.zeroWithinMs);

/** GETs a path; returns the status and the whole body. */
export async function get(system: SystemUnderTest, path: string): Promise<{ status: number; body: unknown }> {
  const response = await fetch(system.url + path);
  const text = await response.text();
  return { status: response.status, body: text.startsWith("{") ? (JSON.parse(text) as unknown) : text };
}

/** Publishes jobs and returns their ids. */
export async function postJobs(
  system: SystemUnderTest,
  jobs: { count: number; durationMs: number },
): Promise<readonly string[]> {
  const response = await fetch(`${system.url}/jobs`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(jobs),
  });
  expect(response.status).toBe(202);
  const { ids } = (await response.json()) as { ids: readonly string[] };
  expect(ids).toHaveLength(jobs.count);
  return ids;
}

/** Requests a path every `everyMs` until `ms` have passed; returns the statuses. */
export async function keepRequesting(
  system: SystemUnderTest,
  path: string,
  { ms, everyMs }: { ms: number; everyMs: number },
): Promise<readonly number[]> {
  const statuses: number[] = [];
  const end = performance.now() + ms;
  while (performance.now() < end) {
    statuses.push((await get(system, path)).status);
    // The story is about traffic with pauses.
    await pause(everyMs);
  }
  return statuses;
}
