import { afterEach, beforeEach, expect, it, vi } from "vitest";

import { pause, sleep } from "./sleep.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

it("resolves after its time, not before", async () => {
  const onEnd = vi.fn<() => void>();
  void sleep(100).then(onEnd);
  await vi.advanceTimersByTimeAsync(99);
  expect(onEnd).not.toHaveBeenCalled();
  await vi.advanceTimersByTimeAsync(1);
  expect(onEnd).toHaveBeenCalledOnce();
});

it("rejects with the signal's reason and leaves no timer", async () => {
  const controller = new AbortController();
  const sleeping = sleep(100, controller.signal);
  controller.abort(new Error("enough"));
  await expect(sleeping).rejects.toThrow("enough");
  expect(vi.getTimerCount()).toBe(0);
  await expect(sleep(100, controller.signal)).rejects.toThrow("enough");
});

it("ends early as a pause, without an error", async () => {
  const controller = new AbortController();
  const pausing = pause(100, controller.signal);
  controller.abort(new Error("enough"));
  await pausing;
  await pause(0, new AbortController().signal);
  expect(vi.getTimerCount()).toBe(0);
});
