import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";

import { Batcher, EntryError } from "./batcher.ts";
import type { BatchResult } from "./queue.ts";

function numbers(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index);
}

describe("Batcher", () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  test("sends ten items as soon as there are ten, and the rest after the delay", async () => {
    const send = vi.fn<(items: readonly number[]) => Promise<BatchResult>>().mockResolvedValue([]);
    const batcher = new Batcher({ delayMs: 5, maxCalls: 4, send });
    const added = Promise.all(numbers(23).map((item) => batcher.add(item)));
    expect(send.mock.calls.map(([items]) => items.length)).toEqual([10, 10]);
    await vi.advanceTimersByTimeAsync(5);
    expect(send.mock.calls.map(([items]) => items.length)).toEqual([10, 10, 3]);
    await added;
  });

  test("tells each item its own outcome", async () => {
    const refused = { code: "ReceiptHandleIsInvalid", reason: "expired", isFinal: true };
    const batcher = new Batcher({ delayMs: 5, maxCalls: 4, send: async () => [undefined, refused] });
    const outcomes = Promise.allSettled([batcher.add("a"), batcher.add("b"), batcher.add("c")]);
    await vi.advanceTimersByTimeAsync(5);
    expect(await outcomes).toEqual([
      { status: "fulfilled", value: undefined },
      { status: "rejected", reason: new EntryError(refused) },
      { status: "fulfilled", value: undefined },
    ]);
  });

  test("fails every item of a call that failed, and goes on with the next", async () => {
    const send = vi
      .fn<(items: readonly string[]) => Promise<BatchResult>>()
      .mockRejectedValueOnce(new Error("network gone"))
      .mockResolvedValue([]);
    const batcher = new Batcher({ delayMs: 5, maxCalls: 4, send });
    const outcomes = Promise.allSettled([batcher.add("a"), batcher.add("b")]);
    await vi.advanceTimersByTimeAsync(5);
    expect((await outcomes).map(({ status }) => status)).toEqual(["rejected", "rejected"]);
    const next = batcher.add("c");
    await vi.advanceTimersByTimeAsync(5);
    await expect(next).resolves.toBeUndefined();
  });

  test("never exceeds its concurrent calls, and forgets no item", async () => {
    const answers: ((result: BatchResult) => void)[] = [];
    const batcher = new Batcher<number>({
      delayMs: 5,
      maxCalls: 2,
      send: () => new Promise((resolve) => answers.push(resolve)),
    });
    const added = Promise.all(numbers(35).map((item) => batcher.add(item)));
    await vi.advanceTimersByTimeAsync(50);
    expect(answers).toHaveLength(2);
    for (let answered = 0; answered < 4; answered += 1) {
      answers[answered]?.([]);
      await vi.advanceTimersByTimeAsync(5);
    }
    await expect(added).resolves.toHaveLength(35);
  });
});
