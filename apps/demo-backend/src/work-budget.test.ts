import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";

import { WorkBudget } from "./work-budget.ts";

describe("WorkBudget", () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  const minute = { count: 60, durationMs: 1000 };
  const nothing = { count: 1, durationMs: 0 };

  test("lets nobody queue more than the budget, and charges nobody for others", () => {
    const budget = new WorkBudget({ workMs: 60_000, promptMs: 5000 });
    budget.spend("one", minute);
    expect(() => budget.spend("one", nothing)).toThrow(/exceed what is left of your share. Try again in 1 s/);
    budget.spend("other", minute);
  });

  test("gives a second back each second", () => {
    const budget = new WorkBudget({ workMs: 60_000, promptMs: 5000 });
    budget.spend("one", minute);
    vi.advanceTimersByTime(30_000);
    expect(() => budget.spend("one", { count: 31, durationMs: 1000 })).toThrow(/Try again in 1 s/);
    budget.spend("one", { count: 30, durationMs: 1000 });
    vi.advanceTimersByTime(3_600_000);
    budget.spend("one", minute);
  });

  test("counts the first seconds of work as prompt, and again once they are done", () => {
    const budget = new WorkBudget({ workMs: 60_000, promptMs: 5000 });
    expect(budget.spend("one", { count: 30, durationMs: 1000 })).toBe(5);
    expect(budget.spend("one", { count: 10, durationMs: 1000 })).toBe(0);
    expect(budget.spend("other", { count: 2, durationMs: 1000 })).toBe(2);
    vi.advanceTimersByTime(37_000);
    expect(budget.spend("one", { count: 10, durationMs: 1000 })).toBe(2);
  });

  test("counts the first job as prompt however long it is", () => {
    const budget = new WorkBudget({ workMs: 60_000, promptMs: 5000 });
    expect(budget.spend("one", { count: 2, durationMs: 20_000 })).toBe(1);
  });

  test("says what can never be queued", () => {
    const budget = new WorkBudget({ workMs: 60_000, promptMs: 5000 });
    expect(() => budget.spend("one", { count: 61, durationMs: 1000 })).toThrow(/60 s of work/);
  });

  test("counts jobs that take no time too", () => {
    const budget = new WorkBudget({ workMs: 60_000, promptMs: 5000 });
    expect(() => budget.spend("one", { count: 601, durationMs: 0 })).toThrow(/Nobody may queue more than/);
  });

  test("remembers a bounded number of submitters", () => {
    const budget = new WorkBudget({ workMs: 60_000, promptMs: 5000 });
    budget.spend("first", minute);
    for (let other = 0; other < 10_000; other += 1) budget.spend(`other ${other}`, nothing);
    expect(() => budget.spend("first", minute)).not.toThrow();
  });
});
