import { afterEach, beforeEach, expect, test, vi } from "vitest";

import { TimerWheel } from "./timer-wheel.ts";

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

test("calls each at its time, never earlier and at most a tick later", async () => {
  const wheel = new TimerWheel(20);
  const lateness: number[] = [];
  for (const atMs of [0, 1, 19, 20, 21, 333, 5000]) {
    const dueMs = performance.now() + atMs;
    wheel.schedule(dueMs, () => lateness.push(performance.now() - dueMs));
  }
  await vi.advanceTimersByTimeAsync(5100);
  expect(lateness).toHaveLength(7);
  expect(Math.min(...lateness)).toBeGreaterThanOrEqual(0);
  expect(Math.max(...lateness)).toBeLessThanOrEqual(40);
});

test("has one timer for any number of calls, and none without", async () => {
  const wheel = new TimerWheel();
  const timers = Array.from({ length: 10_000 }, () => wheel.schedule(performance.now() + 1000, () => {}));
  expect(vi.getTimerCount()).toBe(1);
  for (const timer of timers) timer.cancel();
  expect(vi.getTimerCount()).toBe(0);
});

test("does not make a cancelled call", async () => {
  const wheel = new TimerWheel();
  const call = vi.fn<() => void>();
  wheel.schedule(performance.now() + 100, call).cancel();
  await vi.advanceTimersByTimeAsync(200);
  expect(call).not.toHaveBeenCalled();
});

test("takes calls that schedule and cancel others", async () => {
  const wheel = new TimerWheel();
  const calls: string[] = [];
  const at = performance.now() + 100;
  wheel.schedule(at, () => {
    calls.push("first");
    second.cancel();
    wheel.schedule(at, () => calls.push("third"));
  });
  const second = wheel.schedule(at, () => calls.push("second"));
  await vi.advanceTimersByTimeAsync(300);
  expect(calls).toEqual(["first", "third"]);
  expect(vi.getTimerCount()).toBe(0);
});
