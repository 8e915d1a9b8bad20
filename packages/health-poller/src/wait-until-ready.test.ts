import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";

import { NotReadyError } from "./not-ready-error.ts";
import type { ProbeResult } from "./probe.ts";
import { waitUntilReady } from "./wait-until-ready.ts";

const ready: ProbeResult = { isReady: true, status: 200, durationMs: 1 };
const refused: ProbeResult = { isReady: false, error: "connect ECONNREFUSED", durationMs: 1 };

const never = () => new Promise<ProbeResult>(() => {});

/** Answers with `results` in order, each after `takesMs`, repeats the last one, and notes when it was asked. */
class ScriptedProbe {
  readonly askedAtMs: number[] = [];
  readonly #results: readonly ProbeResult[];
  readonly #takesMs: number;
  #running = 0;
  mostRunning = 0;

  constructor(results: readonly ProbeResult[], takesMs = 0) {
    this.#results = results;
    this.#takesMs = takesMs;
  }

  readonly ask = async (): Promise<ProbeResult> => {
    this.askedAtMs.push(performance.now());
    const result = this.#results[Math.min(this.askedAtMs.length, this.#results.length) - 1] ?? refused;
    this.#running += 1;
    this.mostRunning = Math.max(this.mostRunning, this.#running);
    if (this.#takesMs > 0) await new Promise((resolve) => setTimeout(resolve, this.#takesMs));
    this.#running -= 1;
    return result;
  };
}

describe("waitUntilReady", () => {
  let startedAt = 0;

  beforeEach(() => {
    vi.useFakeTimers();
    startedAt = performance.now();
  });

  afterEach(() => {
    vi.useRealTimers();
  });

  const askedAt = (probe: ScriptedProbe) => probe.askedAtMs.map((at) => at - startedAt);

  test("probes at once and resolves with the first ready answer", async () => {
    const probe = new ScriptedProbe([ready]);
    const after = await waitUntilReady({ probe: probe.ask, intervalMs: 20, deadlineMs: 1000 });
    expect(after).toEqual({ attempts: 1, waitedMs: 0 });
  });

  test("starts probes at a fixed interval, however long each takes within it", async () => {
    const probe = new ScriptedProbe([refused, refused, refused, ready], 15);
    const waiting = waitUntilReady({ probe: probe.ask, intervalMs: 20, deadlineMs: 1000 });
    await vi.advanceTimersByTimeAsync(100);
    await expect(waiting).resolves.toEqual({ attempts: 4, waitedMs: 75 });
    expect(askedAt(probe)).toEqual([0, 20, 40, 60]);
  });

  test("starts the next probe on schedule although the last has no answer, up to four at a time", async () => {
    const probe = new ScriptedProbe([refused, refused, refused, refused, refused, refused, ready], 100);
    const waiting = waitUntilReady({ probe: probe.ask, intervalMs: 20, deadlineMs: 1000 });
    await vi.advanceTimersByTimeAsync(300);
    await expect(waiting).resolves.toEqual({ attempts: 7, waitedMs: 241 });
    // A timer's least delay is 1 ms, which leaves other work its turn.
    expect(askedAt(probe).slice(0, 7)).toEqual([0, 20, 40, 60, 101, 121, 141]);
    expect(probe.mostRunning).toBe(4);
  });

  test("takes the first ready answer, whichever probe gets it, and aborts the others", async () => {
    const signals: AbortSignal[] = [];
    const answers = [never(), never(), Promise.resolve(ready)];
    const probe = (signal: AbortSignal) => {
      signals.push(signal);
      return answers[signals.length - 1] ?? never();
    };
    const waiting = waitUntilReady({ probe, intervalMs: 20, deadlineMs: 1000 });
    await vi.advanceTimersByTimeAsync(40);
    await expect(waiting).resolves.toEqual({ attempts: 3, waitedMs: 40 });
    expect(signals.map(({ aborted }) => aborted)).toEqual([true, true, true]);
    await vi.advanceTimersByTimeAsync(1000);
    expect(signals).toHaveLength(3);
  });

  test("counts a slow first answer as the first, however many probes have overtaken it", async () => {
    const waiting = waitUntilReady({
      probe: new ScriptedProbe([ready], 50).ask,
      intervalMs: 20,
      deadlineMs: 1000,
    });
    await vi.advanceTimersByTimeAsync(50);
    await expect(waiting).resolves.toEqual({ attempts: 1, waitedMs: 50 });
  });

  test("asks for the interval as each probe starts", async () => {
    let intervalMs = 20;
    const probe = new ScriptedProbe([refused]);
    const waiting = waitUntilReady({
      probe: probe.ask,
      intervalMs: () => intervalMs,
      deadlineMs: 200,
      onAttempt: (_, attempt) => (intervalMs = attempt < 3 ? 20 : 50),
    });
    waiting.catch(() => {});
    await vi.advanceTimersByTimeAsync(200);
    expect(askedAt(probe)).toEqual([0, 20, 40, 60, 110, 160]);
  });

  test("goes on beyond a deadline that has been put off", async () => {
    let deadlineMs = 50;
    const failure = waitUntilReady({
      probe: never,
      intervalMs: 20,
      deadlineMs: () => deadlineMs,
    }).catch((error: unknown) => error);
    const ended = vi.fn<(error: unknown) => void>();
    void failure.then(ended);
    await vi.advanceTimersByTimeAsync(49);
    deadlineMs = 120;
    await vi.advanceTimersByTimeAsync(70);
    expect(ended).not.toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(1);
    await expect(failure).resolves.toMatchObject({ code: "NOT_READY_IN_TIME", deadlineMs: 120 });
  });

  test("fails at the deadline with what was last seen", async () => {
    const probe = new ScriptedProbe([refused, { isReady: false, status: 503, durationMs: 2 }]);
    const waiting = waitUntilReady({ probe: probe.ask, intervalMs: 20, deadlineMs: 50 });
    const failure = waiting.catch((error: unknown) => error);
    await vi.advanceTimersByTimeAsync(50);
    const error = await failure;
    expect(error).toBeInstanceOf(NotReadyError);
    expect(error).toMatchObject({
      code: "NOT_READY_IN_TIME",
      status: 503,
      attempts: 3,
      deadlineMs: 50,
      last: { status: 503 },
      message: "Not ready within 50 ms (3 probes); last seen: status 503.",
    });
  });

  test("ends at the deadline although the probe ignores its signal", async () => {
    const failure = waitUntilReady({ probe: never, intervalMs: 20, deadlineMs: 50 }).catch(
      (error: unknown) => error,
    );
    await vi.advanceTimersByTimeAsync(50);
    await expect(failure).resolves.toMatchObject({ attempts: 3, last: undefined });
  });

  test("aborts the running probe at the deadline", async () => {
    let seen: AbortSignal | undefined;
    const hanging = (signal: AbortSignal) => {
      seen = signal;
      return never();
    };
    const waiting = waitUntilReady({ probe: hanging, intervalMs: 20, deadlineMs: 50 });
    waiting.catch(() => {});
    expect(seen?.aborted).toBe(false);
    await vi.advanceTimersByTimeAsync(50);
    expect(seen?.aborted).toBe(true);
  });

  test("rejects with the reason of the caller's signal, between probes as well as during one", async () => {
    for (const takesMs of [0, 15]) {
      const controller = new AbortController();
      const probe = new ScriptedProbe([refused], takesMs);
      const failure = waitUntilReady({
        probe: probe.ask,
        intervalMs: 20,
        deadlineMs: 1000,
        signal: controller.signal,
      }).catch((error: unknown) => error);
      await vi.advanceTimersByTimeAsync(10);
      const reason = new Error("the last caller left");
      controller.abort(reason);
      await expect(failure).resolves.toBe(reason);
      await vi.advanceTimersByTimeAsync(100);
      expect(probe.askedAtMs).toHaveLength(1);
    }
  });

  test("asks nothing when the caller's signal has aborted before", async () => {
    const probe = new ScriptedProbe([ready]);
    const signal = AbortSignal.abort(new Error("too late"));
    await expect(
      waitUntilReady({ probe: probe.ask, intervalMs: 20, deadlineMs: 1000, signal }),
    ).rejects.toThrow("too late");
    expect(probe.askedAtMs).toHaveLength(0);
  });

  test("leaves no timer behind, whether it succeeds or fails", async () => {
    await waitUntilReady({ probe: new ScriptedProbe([ready]).ask, intervalMs: 20, deadlineMs: 1000 });
    expect(vi.getTimerCount()).toBe(0);
    const failing = waitUntilReady({ probe: never, intervalMs: 20, deadlineMs: 50 }).catch(() => {});
    await vi.advanceTimersByTimeAsync(50);
    await failing;
    expect(vi.getTimerCount()).toBe(0);
  });

  test("reports every attempt", async () => {
    const probe = new ScriptedProbe([refused, ready]);
    const onAttempt = vi.fn<(result: ProbeResult, attempt: number) => void>();
    const waiting = waitUntilReady({ probe: probe.ask, intervalMs: 20, deadlineMs: 1000, onAttempt });
    await vi.advanceTimersByTimeAsync(20);
    await waiting;
    expect(onAttempt.mock.calls).toEqual([
      [refused, 1],
      [ready, 2],
    ]);
  });
});
