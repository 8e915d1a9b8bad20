import * as fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";

import { ProbeBudget, type Prober, type Probing } from "./probe-budget.ts";

/** Probes that take no time, or never end. */
class CountingProber implements Prober {
  readonly #intervalMs: number;
  readonly startedAtMs: number[] = [];
  likely = 1;
  room = Infinity;

  constructor(intervalMs = 20) {
    this.#intervalMs = intervalMs;
  }

  intervalMs(): number {
    return this.#intervalMs;
  }
  likelihood(): number {
    return this.likely;
  }
  hasRoom(): boolean {
    return this.room > 0;
  }
  probe(): void {
    this.room -= 1;
    this.startedAtMs.push(performance.now());
  }
  startedWithin(fromMs: number, toMs: number): number {
    return this.startedAtMs.filter((at) => at >= fromMs && at < toMs).length;
  }
}

const many = (count: number, intervalMs?: number) =>
  Array.from({ length: count }, () => new CountingProber(intervalMs));

/** Probes a second that each of them has started, on average. */
function rateOf(probers: CountingProber[], fromMs: number, toMs: number): number {
  const started = probers.reduce((sum, prober) => sum + prober.startedWithin(fromMs, toMs), 0);
  return (started * 1000) / probers.length / (toMs - fromMs);
}

describe("ProbeBudget", () => {
  let startedAt = 0;
  let probings: Probing[];

  beforeEach(() => {
    vi.useFakeTimers();
    startedAt = performance.now();
    probings = [];
  });
  afterEach(() => {
    for (const probing of probings) probing.end();
    vi.useRealTimers();
  });

  const add = (budget: ProbeBudget, ...probers: Prober[]) =>
    probings.push(...probers.map((prober) => budget.add(prober)));
  const startsOf = ({ startedAtMs }: CountingProber) => startedAtMs.map((at) => at - startedAt);

  test("starts a probe at once and then at its interval while the budget suffices", async () => {
    const budget = new ProbeBudget({ perSecond: 1000 });
    const probers = many(20);
    add(budget, ...probers);
    await vi.advanceTimersByTimeAsync(1000);
    for (const prober of probers) {
      const starts = startsOf(prober);
      expect(starts.length).toBeGreaterThanOrEqual(49);
      // Probers added together start within the time that the budget needs for all of them.
      expect(starts[0]).toBeLessThanOrEqual(20);
    }
  });

  test("starts no more than the budget, and in one turn no more than a hundredth of a second's", async () => {
    const budget = new ProbeBudget({ perSecond: 1000 });
    const probers = many(500);
    add(budget, ...probers);
    await vi.advanceTimersByTimeAsync(2000);
    const starts = probers.flatMap(startsOf);
    expect(starts.length).toBeGreaterThan(1900);
    expect(starts.length).toBeLessThanOrEqual(2010);
    const turns = Map.groupBy(starts, (at) => at);
    expect(Math.max(...[...turns.values()].map(({ length }) => length))).toBeLessThanOrEqual(11);
  });

  test("shares evenly: none waits much longer than any other", async () => {
    const budget = new ProbeBudget({ perSecond: 1000 });
    const probers = many(200);
    add(budget, ...probers);
    await vi.advanceTimersByTimeAsync(4000);
    const counts = probers.map((prober) => prober.startedWithin(startedAt + 1000, startedAt + 4000));
    expect(Math.min(...counts)).toBeGreaterThanOrEqual(14);
    expect(Math.max(...counts)).toBeLessThanOrEqual(16);
  });

  test("weighs shares by likelihood and by interval, and gives nobody more than was asked for", async () => {
    const budget = new ProbeBudget({ perSecond: 100 });
    const [likely, unlikely] = [many(10), many(10)];
    const slow = many(1, 200);
    for (const prober of unlikely) prober.likely = 0.1;
    add(budget, ...likely, ...unlikely, ...slow);
    await vi.advanceTimersByTimeAsync(11_000);
    const [likelyRate = 0, unlikelyRate = 0, slowRate = 0] = [likely, unlikely, slow].map((probers) =>
      rateOf(probers, startedAt + 1000, startedAt + 11_000),
    );
    expect(likelyRate).toBeGreaterThan(8);
    expect(unlikelyRate).toBeGreaterThan(0.6);
    expect(unlikelyRate).toBeLessThan(1.2);
    expect(slowRate).toBeLessThan(1.5);
    expect(slowRate).toBeGreaterThan(0.5);
  });

  test("asks one that has just come before those that have had their turn", async () => {
    const budget = new ProbeBudget({ perSecond: 1000 });
    add(budget, ...many(1000));
    await vi.advanceTimersByTimeAsync(3000);
    const late = new CountingProber();
    add(budget, late);
    await vi.advanceTimersByTimeAsync(11);
    expect(late.startedAtMs.length).toBe(1);
  });

  test("gives its full pace back to the one that is left", async () => {
    const budget = new ProbeBudget({ perSecond: 1000 });
    const last = new CountingProber();
    add(budget, last, ...many(999));
    await vi.advanceTimersByTimeAsync(2000);
    for (const probing of probings.slice(1)) probing.end();
    await vi.advanceTimersByTimeAsync(1000);
    expect(last.startedWithin(startedAt + 2000, startedAt + 3000)).toBeGreaterThanOrEqual(49);
  });

  test("asks nobody who has as many probes under way as it may, until it has room again", async () => {
    const budget = new ProbeBudget();
    const prober = new CountingProber();
    prober.room = 3;
    add(budget, prober);
    await vi.advanceTimersByTimeAsync(100);
    expect(startsOf(prober)).toEqual([0, 20, 40]);
    expect(vi.getTimerCount()).toBe(0);
    prober.room = 1;
    probings[0]?.hasRoomAgain();
    await vi.advanceTimersByTimeAsync(100);
    expect(startsOf(prober)).toEqual([0, 20, 40, 101]);
  });

  test("has no timer left when everybody has ended", async () => {
    const budget = new ProbeBudget({ perSecond: 100 });
    add(budget, ...many(10));
    await vi.advanceTimersByTimeAsync(50);
    for (const probing of probings) probing.end();
    expect(vi.getTimerCount()).toBe(0);
  });

  test("leaves no prober out while others come and go", async () => {
    const action = fc.oneof(
      fc.record({
        kind: fc.constant("come" as const),
        intervalMs: fc.integer({ min: 5, max: 200 }),
        likely: fc.constantFrom(0.05, 0.5, 1),
      }),
      fc.record({ kind: fc.constant("go" as const), nth: fc.nat(50) }),
      fc.record({ kind: fc.constant("wait" as const), ms: fc.integer({ min: 0, max: 300 }) }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(action, { maxLength: 40 }), async (actions) => {
        const budget = new ProbeBudget({ perSecond: 200 });
        const present: { prober: CountingProber; probing: Probing }[] = [];
        const all: CountingProber[] = [];
        const beganAtMs = performance.now();
        for (const step of actions) {
          if (step.kind === "wait") await vi.advanceTimersByTimeAsync(step.ms);
          else if (step.kind === "go") present.splice(step.nth % (present.length || 1), 1)[0]?.probing.end();
          else {
            const prober = new CountingProber(step.intervalMs);
            prober.likely = step.likely;
            all.push(prober);
            present.push({ prober, probing: budget.add(prober) });
          }
        }
        const countsBefore = new Map(present.map(({ prober }) => [prober, prober.startedAtMs.length]));
        // The least likely of 40 has a share of a 761st of 200 a second, at worst.
        await vi.advanceTimersByTimeAsync(10_000);
        for (const { prober, probing } of present) {
          expect(prober.startedAtMs.length).toBeGreaterThan(countsBefore.get(prober) ?? 0);
          probing.end();
        }
        const elapsedMs = performance.now() - beganAtMs;
        const started = all.reduce((sum, { startedAtMs }) => sum + startedAtMs.length, 0);
        expect(started).toBeLessThanOrEqual(2 + (elapsedMs * 200) / 1000);
        expect(vi.getTimerCount()).toBe(0);
      }),
      { numRuns: 50 },
    );
  });
});
