import * as fc from "fast-check";
import { afterEach, beforeEach, expect, test, vi } from "vitest";

import { Simulation } from "./testing/simulation.ts";
import { advance } from "./testing/world.ts";

const durations = fc.constantFrom(0, 1, 5, 19, 20, 21, 100, 499, 1000, 3100);
const anyOf = fc.nat(20);
type Step = (simulation: Simulation) => Promise<void> | void;

const steps = fc.oneof(
  { weight: 5, arbitrary: fc.constant<Step>((s) => s.arrive()) },
  { weight: 2, arbitrary: anyOf.map<Step>((nth) => (s) => s.leave(nth)) },
  { weight: 2, arbitrary: anyOf.map<Step>((nth) => (s) => s.end(nth)) },
  { weight: 6, arbitrary: durations.map<Step>((ms) => () => advance(ms)) },
  {
    weight: 3,
    arbitrary: fc.record({ isBackendUp: fc.boolean(), probeMs: fc.constantFrom(0, 1, 30, 900) }).map<Step>(
      (knobs) =>
        ({ world }) =>
          void Object.assign(world, knobs),
    ),
  },
  {
    weight: 1,
    arbitrary: fc
      .record({
        publishError: fc.constantFrom(undefined, new Error("sidecar down")),
        publishMs: fc.constantFrom(0, 1, 900),
      })
      .map<Step>(
        (knobs) =>
          ({ world }) =>
            void Object.assign(world, knobs),
      ),
  },
  { weight: 1, arbitrary: fc.constant<Step>((s) => s.backend.unreachable()) },
  { weight: 1, arbitrary: fc.constant<Step>((s) => s.reload()) },
);

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

test("whatever happens: one activation at once, no lost request, no hold past its deadline, no wake without demand", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(steps, { maxLength: 60 }), fc.constantFrom(0, 1, 3), async (plan, pace) => {
      const simulation = new Simulation(pace);
      for (const step of plan) {
        await step(simulation);
        await advance(0);
        expect(simulation.faults()).toEqual([]);
      }
      simulation.endAll();
      await advance(10_000);
      expect(simulation.faults()).toEqual([]);
      expect(simulation.backend.demand).toEqual({ held: 0, inFlight: 0 });
      expect(vi.getTimerCount()).toBe(0);
    }),
    { numRuns: 300 },
  );
});
