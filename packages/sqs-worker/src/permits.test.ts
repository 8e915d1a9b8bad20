import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";

import { Permits } from "./permits.ts";

const never = new AbortController().signal;

describe("Permits", () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  test("gives all that is asked for at once when it is free", async () => {
    const permits = new Permits(10, { gatherMs: 5 });
    await expect(permits.take(10, never)).resolves.toBe(10);
  });

  test("gathers for a while and then gives what is free", async () => {
    const permits = new Permits(3, { gatherMs: 5 });
    const taken = permits.take(10, never);
    await vi.advanceTimersByTimeAsync(4);
    permits.release(1);
    await vi.advanceTimersByTimeAsync(1);
    await expect(taken).resolves.toBe(4);
  });

  test("ends the gathering as soon as there is enough", async () => {
    const permits = new Permits(3, { gatherMs: 1000 });
    const taken = permits.take(10, never);
    permits.release(8);
    await expect(taken).resolves.toBe(10);
    await expect(permits.take(1, never)).resolves.toBe(1);
  });

  test("waits while nothing is free", async () => {
    const permits = new Permits(1, { gatherMs: 5 });
    await permits.take(1, never);
    const taken = vi.fn<(permits: number) => void>();
    void permits.take(1, never).then(taken);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(taken).not.toHaveBeenCalled();
    permits.release(1);
    await vi.advanceTimersByTimeAsync(0);
    expect(taken).toHaveBeenCalledWith(1);
  });

  test("serves takers in order of arrival", async () => {
    const permits = new Permits(0, { gatherMs: 5 });
    const order: string[] = [];
    void permits.take(2, never).then(() => order.push("first"));
    void permits.take(1, never).then(() => order.push("second"));
    permits.release(1);
    await vi.advanceTimersByTimeAsync(0);
    expect(order).toEqual([]);
    permits.release(2);
    await vi.advanceTimersByTimeAsync(0);
    expect(order).toEqual(["first", "second"]);
  });

  test("lets the next taker gather when the first one leaves", async () => {
    const permits = new Permits(1, { gatherMs: 5 });
    const leaver = new AbortController();
    const left = permits.take(10, leaver.signal);
    const stayed = permits.take(10, never);
    leaver.abort(new Error("left"));
    await expect(left).rejects.toThrow("left");
    await vi.advanceTimersByTimeAsync(5);
    await expect(stayed).resolves.toBe(1);
  });
});
