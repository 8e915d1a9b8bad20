import { expect, test } from "vitest";

import { Entity } from "./entity.ts";
import { makeEntityParts } from "./testing/entity-parts.ts";

/** CPU time of this thread, which other work on the machine hardly affects. */
function cpuMs(work: () => void): number {
  const before = process.threadCpuUsage();
  work();
  const { user, system } = process.threadCpuUsage(before);
  return (user + system) / 1000;
}

/** About 50 ms on a core of 2024. */
function referenceWork(): number {
  let hash = 0;
  for (let round = 0; round < 40_000_000; round += 1) hash = Math.imul(hash ^ round, 0x9e3779b1);
  return hash;
}

function best(samples: number, measure: () => number): number {
  return Math.min(...Array.from({ length: samples }, measure));
}

/** The longest that is allowed, with the most backends that are. */
function largestConfig(run: number): string {
  const hosts = Array.from({ length: 15 }, (_, nth) => `h${nth}.x`);
  const backend = Array.from({ length: 256 }, (_, nth) => ({
    name: `b${run}-${nth}`,
    target: `/${nth}`,
    upstream: `http://x${nth}`,
    health: "/h",
    pubsub: "p",
    topic: "t",
    hosts: hosts,
  }));
  return JSON.stringify({ backend });
}

test("the largest configuration holds up the event loop for less than 50 ms", { timeout: 60_000 }, () => {
  const parts = makeEntityParts();
  let run = 0;
  const readOne = () => {
    const text = largestConfig(run++);
    expect(text.length).toBeGreaterThan(48 * 1024);
    expect(text.length).toBeLessThanOrEqual(64 * 1024);
    return cpuMs(() => void new Entity(JSON.parse(text), parts));
  };
  expect(best(5, readOne)).toBeLessThan(best(3, () => cpuMs(referenceWork)));
  expect(parts.activator.backends).toHaveLength(256 * run);
  expect(parts.log.events).toEqual([]);
});
