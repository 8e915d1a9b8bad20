import { needs } from "@kong-serverless/testing";
import { describe, expect, it } from "vitest";

import { get, keepRequesting, toZero, untilReplicas } from "./steps.ts";
import { backend, cluster, isCluster, rollOut, startSystem } from "./system-under-test.ts";

/** Past the playground's retention + cooldown (6 s each); in a cluster these are a minute each. */
const pastCooldownMs = isCluster ? 150_000 : 15_000;
/** Longer than an HPA's sync period (15 s, and 1 s in the playground) plus the start of the pods that it adds. */
const loadMs = isCluster ? 75_000 : 10_000;

// A story takes as long as the retention and the cooldown that it waits for. All of them have the same cluster, but each a
// playground of its own.
describe("HTTP stories", { timeout: isCluster ? 600_000 : 180_000, concurrent: !isCluster }, () => {
  it("cold start: requests at zero are all answered by the backend, which is woken once", async () => {
    await using system = await startSystem();
    await toZero(system, backend);
    const answers = await Promise.all(Array.from({ length: 10 }, () => get(system, "/")));
    expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 10 }, () => 200));
    // A terminating pod still answers at once, and then before the replica that the requests have woken.
    await untilReplicas(system, backend, (replicas) => replicas > 0, 30_000);
  });

  it("keep-warm: traffic with pauses keeps the backend up, and no request waits for another start", async () => {
    await using system = await startSystem();
    await get(system, "/");
    const statuses = await keepRequesting(system, "/", { ms: pastCooldownMs, everyMs: 1_000 });
    expect(new Set(statuses)).toEqual(new Set([200]));
    expect(await system.replicas(backend)).toBeGreaterThan(0);
  });

  it("one to many: load adds replicas, and no request fails", async () => {
    await using system = await startSystem();
    await get(system, "/");
    const load = Promise.all(
      Array.from({ length: 30 }, () => keepRequesting(system, "/slow?ms=300", { ms: loadMs, everyMs: 0 })),
    );
    await untilReplicas(system, backend, (replicas) => replicas > 1, isCluster ? 60_000 : 30_000);
    expect(new Set((await load).flat())).toEqual(new Set([200]));
  });

  it("long request: one that outlasts retention and cooldown is not cut", async () => {
    await using system = await startSystem();
    await get(system, "/");
    // The demo's slowest answer takes 30 s, so in a cluster several in a row play one long request.
    const { status } = await get(system, "/slow?ms=20000");
    expect(status).toBe(200);
    expect(await system.replicas(backend)).toBeGreaterThan(0);
  });

  it("cooldown: without traffic the backend goes to zero, and the next request wakes it again", async () => {
    await using system = await startSystem();
    expect((await get(system, "/")).status).toBe(200);
    await toZero(system, backend);
    expect((await get(system, "/")).status).toBe(200);
  });

  it("rollout (cluster only): a new version under traffic loses no request", needs(cluster), async () => {
    await using system = await startSystem();
    await get(system, "/");
    const [statuses] = await Promise.all([
      keepRequesting(system, "/", { ms: 60_000, everyMs: 50 }),
      rollOut(backend),
    ]);
    expect(new Set(statuses)).toEqual(new Set([200]));
  });
});
