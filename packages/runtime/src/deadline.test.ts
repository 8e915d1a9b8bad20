import { afterEach, beforeEach, expect, it, vi } from "vitest";

import { withDeadline } from "./deadline.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

it("aborts with its reason when the time is up", () => {
  using deadline = withDeadline(50, () => new Error("too late"));
  vi.advanceTimersByTime(49);
  expect(deadline.signal.aborted).toBe(false);
  vi.advanceTimersByTime(1);
  expect(deadline.signal.reason).toEqual(new Error("too late"));
});

it("aborts with the parent's reason, also when the parent had aborted before", () => {
  const parent = new AbortController();
  using early = withDeadline(50, () => new Error("too late"), parent.signal);
  parent.abort(new Error("stopped"));
  using late = withDeadline(50, () => new Error("too late"), parent.signal);
  expect([early.signal.reason, late.signal.reason]).toEqual([new Error("stopped"), new Error("stopped")]);
});

it("leaves no timer behind its scope", () => {
  {
    using deadline = withDeadline(50, () => new Error("too late"));
    expect(deadline.signal.aborted).toBe(false);
  }
  expect(vi.getTimerCount()).toBe(0);
});
