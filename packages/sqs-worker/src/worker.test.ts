import { sleep } from "@kong-serverless/runtime";
import { RecordingLog } from "@kong-serverless/testing";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";

import type { Handler } from "./message.ts";
import { ScriptedQueue, sdkError } from "./testing/scripted-queue.ts";
import { createWorker, type Worker, type WorkerOptions } from "./worker.ts";

const rejected = { code: "ReceiptHandleIsInvalid", reason: "the handle has expired", isFinal: true };
const busy = { code: "InternalError", reason: "try again", isFinal: false };

const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);

const fail = (): never => {
  throw new Error("not even that");
};

describe("a worker", () => {
  let queue: ScriptedQueue;
  let log: RecordingLog;
  let worker: Worker;

  beforeEach(() => {
    vi.useFakeTimers();
    queue = new ScriptedQueue();
    log = new RecordingLog();
  });
  afterEach(async () => {
    const stopped = worker.stop({ graceMs: 1000 });
    await vi.advanceTimersByTimeAsync(1000);
    await stopped;
    vi.useRealTimers();
  });

  function start(handler: Handler, options: Partial<WorkerOptions> = {}): Worker {
    worker = createWorker({ queue, handler, log, visibilitySeconds: 60, ...options });
    void worker.start();
    return worker;
  }

  test("deletes a message after its handler has ended, not before", async () => {
    queue.add("a");
    start((_, { signal }) => sleep(1000, signal));
    await pass(999);
    expect(queue.deleted).toEqual([]);
    await pass(50);
    expect(queue.deleted).toEqual(["a#1"]);
    expect(log.fieldsOf("message.handled")).toEqual([{ messageId: "a", durationMs: 1000 }]);
  });

  test("gives a failed message back, the later the more often it was received", async () => {
    for (const receiveCount of [1, 2, 3, 20]) queue.addMessage({ id: `m${receiveCount}`, receiveCount });
    start(() => Promise.reject(new Error("no luck")), { retryDelayMs: 10_000, maxRetryDelayMs: 300_000 });
    await pass(50);
    expect(queue.deleted).toEqual([]);
    const delays = queue.changes.map(({ visibilitySeconds }) => visibilitySeconds);
    for (const [index, fullSeconds] of [10, 20, 40, 300].entries()) {
      expect(delays[index]).toBeGreaterThanOrEqual(fullSeconds / 2);
      expect(delays[index]).toBeLessThanOrEqual(fullSeconds);
    }
    expect(log.fieldsOf("message.failed")[0]).toMatchObject({
      messageId: "m1",
      code: "HANDLER_FAILED",
      reason: "no luck",
    });
  });

  test("keeps a message hidden for as long as its handler runs", async () => {
    queue.add("a");
    start((_, { signal }) => sleep(100_000, signal));
    await pass(100_050);
    const extensions = queue.changes.filter(({ visibilitySeconds }) => visibilitySeconds === 60);
    expect(extensions.length).toBeGreaterThanOrEqual(2);
    expect(queue.deleted).toEqual(["a#1"]);
    await pass(100_000);
    expect(queue.changes).toHaveLength(extensions.length);
  });

  test("retries an extension soon after it failed", async () => {
    queue.add("a");
    start((_, { signal }) => sleep(58_000, signal));
    queue.fail("changeVisibility", sdkError("ECONNRESET"));
    await pass(59_000);
    expect(queue.changes).toEqual([{ receiptHandle: "a#1", visibilitySeconds: 60 }]);
    expect(queue.deleted).toEqual(["a#1"]);
  });

  test("aborts the handler of a message that was lost to another worker, and leaves the message alone", async () => {
    queue.add("a");
    queue.refusals.set("a#1", [rejected]);
    start((_, { signal }) => sleep(200_000, signal));
    await pass(60_000);
    expect(log.fieldsOf("message.failed")).toMatchObject([{ messageId: "a", code: "MESSAGE_LEASE_LOST" }]);
    expect(queue.deleted).toEqual([]);
    expect(queue.changes).toEqual([]);
  });

  test("gives a message back at the handler's time limit", async () => {
    queue.add("a");
    start((_, { signal }) => sleep(60_000, signal), { handlerTimeoutMs: 2000 });
    await pass(2050);
    expect(log.fieldsOf("message.failed")).toMatchObject([{ code: "HANDLER_TIMEOUT" }]);
    expect(queue.changes).toHaveLength(1);
    expect(worker.inProgress).toBe(0);
  });

  describe("whose handlers do not end", () => {
    test("gives their slots to others some seconds after their limit, and says so", async () => {
      const handlerAbandoned = vi.fn<() => void>();
      queue.add("stubborn", "next");
      const started: string[] = [];
      start(
        ({ id }) => {
          started.push(id);
          return id === "stubborn" ? sleep(10_000) : undefined;
        },
        { handlerTimeoutMs: 1000, concurrency: 2, observer: { handlerAbandoned } },
      );
      queue.add("a", "b");
      await pass(5999);
      expect(worker.abandoned).toBe(0);
      await pass(101);
      expect(worker.abandoned).toBe(1);
      expect(handlerAbandoned).toHaveBeenCalledTimes(1);
      expect(log.fieldsOf("handler.abandoned")).toEqual([{ messageId: "stubborn", abandoned: 1 }]);
      expect(log.fieldsOf("message.failed")).toMatchObject([
        { messageId: "stubborn", code: "HANDLER_TIMEOUT" },
      ]);
      expect(queue.changes.map(({ receiptHandle }) => receiptHandle)).toEqual(["stubborn#1"]);
      await pass(5000);
      expect(worker.abandoned).toBe(0);
      expect(worker.inProgress).toBe(0);
      expect(started).toHaveLength(4);
    });

    test("is not alive once there are as many as it has slots, and runs no more than twice as many", async () => {
      queue.add(...Array.from({ length: 100 }, (_, index) => `m${index}`));
      start(() => new Promise(() => {}), { handlerTimeoutMs: 1000, concurrency: 5 });
      await pass(5900);
      expect(worker.notAlive()).toEqual([]);
      await pass(60_000);
      expect(worker.notAlive()).toEqual([expect.stringMatching(/handlers: \d+ never end/)]);
      expect(worker.notReady()).toEqual(worker.notAlive());
      expect(worker.inProgress).toBe(10);
      // Every message that was received went back.
      expect(queue.changes.map(({ receiptHandle }) => receiptHandle)).toHaveLength(10);
    });
  });

  describe("whose handlers throw", () => {
    const hostile: Record<string, () => unknown> = {
      nothing: () => undefined,
      null: () => null,
      "a symbol": () => Symbol("reason"),
      "a value without a prototype": () => Object.create(null) as unknown,
      "an error whose message throws": () =>
        Object.defineProperty(new Error("polite"), "message", { get: fail }),
      "an object whose toString throws": () => ({ toString: fail }),
      "a proxy that throws": () => new Proxy({}, { get: fail, getPrototypeOf: fail }),
    };
    test.each(Object.keys(hostile))("%s, fails that message and handles the others", async (name) => {
      queue.add("poison", ...Array.from({ length: 19 }, (_unused, index) => `m${index}`));
      start(({ id }) => {
        // oxlint-disable-next-line typescript/only-throw-error
        if (id === "poison") throw hostile[name]?.();
      });
      await pass(100);
      expect(queue.deleted).toHaveLength(19);
      expect(queue.changes).toHaveLength(1);
      expect(log.fieldsOf("message.failed")).toMatchObject([{ messageId: "poison", code: "HANDLER_FAILED" }]);
    });
  });

  test("fails a message whose checksum is wrong without handling it, and handles the others", async () => {
    const handler = vi.fn<Handler>();
    queue.add("a", "b");
    queue.addMessage({ id: "c", fault: "The MD5 of its body is x, not y." });
    start(handler);
    await pass(50);
    expect(queue.deleted.toSorted()).toEqual(["a#1", "b#1"]);
    expect(handler).toHaveBeenCalledTimes(2);
    expect(log.fieldsOf("message.failed")).toMatchObject([
      { messageId: "c", code: "MESSAGE_CORRUPTED", reason: "The MD5 of its body is x, not y." },
    ]);
    expect(queue.changes.map(({ receiptHandle }) => receiptHandle)).toEqual(["c#1"]);
  });

  test.each([3_600_000, -3_600_000])(
    "extends leases even when the wall clock jumps by %i ms",
    async (jumpMs) => {
      const handler = vi.fn<Handler>((_, { signal }) => sleep(100_000, signal));
      queue.add("a");
      start(handler);
      await pass(10_000);
      vi.setSystemTime(Date.now() + jumpMs);
      await pass(90_050);
      const extendedAfter = queue.changes.filter(({ visibilitySeconds }) => visibilitySeconds === 60);
      expect(extendedAfter.length).toBeGreaterThanOrEqual(2);
      expect(queue.deleted).toEqual(["a#1"]);
      expect(handler).toHaveBeenCalledTimes(1);
    },
  );

  test("quotes a kilobyte of a handler's error", async () => {
    queue.add("a");
    start((_, { reject }) => reject("x".repeat(1024 * 1024)));
    await pass(50);
    const [{ reason } = {}] = log.fieldsOf("message.failed");
    expect(String(reason)).toHaveLength(1024 + "… (1047552 more characters)".length);
  });

  test("quotes nothing of it when told so", async () => {
    queue.add("secret", "late");
    start(
      ({ id }, { reject, signal }) => (id === "late" ? sleep(60_000, signal) : reject("the secret is 42")),
      {
        logContent: false,
        handlerTimeoutMs: 100,
      },
    );
    await pass(200);
    expect(JSON.stringify(log.events)).not.toContain("42");
    expect(log.fieldsOf("message.failed")).toMatchObject([
      { messageId: "secret", code: "MESSAGE_REJECTED", reason: undefined },
      { messageId: "late", code: "HANDLER_TIMEOUT", reason: "The handler did not end within 100 ms." },
    ]);
  });

  test("hands out the same signal however often and however late it is read", async () => {
    queue.add("a");
    let late: AbortSignal | undefined;
    start(
      async (_, context) => {
        await sleep(2000);
        late = context.signal;
        expect(context.signal).toBe(late);
      },
      { handlerTimeoutMs: 1000 },
    );
    await pass(3000);
    expect(late?.aborted).toBe(true);
  });

  test("treats a handler that throws synchronously as one that fails", async () => {
    queue.add("a");
    start(() => {
      throw new Error("at once");
    });
    await pass(50);
    expect(log.fieldsOf("message.failed")).toMatchObject([{ reason: "at once" }]);
  });

  describe("with failing deletes", () => {
    test("retries one that the queue did not accept, without handling the message again", async () => {
      const handler = vi.fn<Handler>();
      queue.add("a", "b", "c");
      queue.refusals.set("b#1", [busy, busy]);
      start(handler);
      await pass(5000);
      expect(queue.deleted.toSorted()).toEqual(["a#1", "b#1", "c#1"]);
      expect(handler).toHaveBeenCalledTimes(3);
    });

    test("keeps a handled message hidden until it is deleted", async () => {
      queue.add("a");
      queue.fail("delete", sdkError("AccessDenied", 403), 1000);
      start(() => {});
      await pass(120_000);
      expect(worker.notReady()).toEqual(["queue: denied (delete)"]);
      expect(queue.changes.length).toBeGreaterThanOrEqual(3);
      queue.recover("delete");
      await pass(31_000);
      expect(queue.deleted).toEqual(["a#1"]);
      expect(worker.notReady()).toEqual([]);
    });

    test("gives up on a fault of its own, and deletes the message when it comes again", async () => {
      const handler = vi.fn<Handler>();
      queue.add("a");
      queue.fail("delete", new TypeError("invalid header"));
      start(handler);
      await pass(50);
      expect(worker.notReady()).toEqual(["queue: internal (delete): invalid header"]);
      expect(log.fieldsOf("message.delete_failed")).toMatchObject([{ messageId: "a" }]);
      queue.addMessage({ id: "a", receiveCount: 2 });
      await pass(50);
      expect(handler).toHaveBeenCalledTimes(1);
      expect(queue.deleted).toEqual(["a#2"]);
      expect(worker.notReady()).toEqual([]);
    });

    test("deletes a message whose first deletion was refused when it comes again, without handling it again", async () => {
      const handler = vi.fn<Handler>();
      queue.add("a");
      queue.refusals.set("a#1", [rejected]);
      start(handler);
      await pass(50);
      queue.addMessage({ id: "a", receiveCount: 2 });
      await pass(50);
      expect(handler).toHaveBeenCalledTimes(1);
      expect(queue.deleted).toEqual(["a#2"]);
    });

    test("receives no more than it can hold while nothing can be deleted", async () => {
      const handler = vi.fn<Handler>();
      queue.fail("delete", sdkError("InternalFailure", 500), 100_000);
      queue.add(...Array.from({ length: 1000 }, (_, index) => `m${index}`));
      start(handler, { concurrency: 10 });
      await pass(60_000);
      expect(handler.mock.calls.length).toBeLessThanOrEqual(10 + 110);
    });
  });

  describe("with a dead-letter queue", () => {
    test("sends a rejected message there right away, and says why", async () => {
      queue.description = { maxReceiveCount: 3 };
      queue.addMessage({ id: "early", receiveCount: 1 });
      queue.addMessage({ id: "last", receiveCount: 3 });
      start((_, { reject }) => reject("not for us"));
      await pass(50);
      expect(queue.changes.map(({ visibilitySeconds }) => visibilitySeconds)).toEqual([0, 0]);
      expect(log.fieldsOf("message.dead_lettered")).toEqual([
        { messageId: "last", code: "MESSAGE_REJECTED", reason: "not for us", receiveCount: 3 },
      ]);
    });

    test("hands over a message that failed for the last time at once", async () => {
      queue.description = { maxReceiveCount: 5 };
      queue.addMessage({ id: "a", receiveCount: 5 });
      start(() => Promise.reject(new Error("again")));
      await pass(50);
      expect(queue.changes).toEqual([{ receiptHandle: "a#5", visibilitySeconds: 0 }]);
    });
  });

  test("delays a rejected message for as long as possible when there is no dead-letter queue", async () => {
    queue.add("a");
    start((_, { reject }) => reject("not for us"), { maxRetryDelayMs: 120_000 });
    await pass(50);
    expect(queue.changes).toEqual([{ receiptHandle: "a#1", visibilitySeconds: 120 }]);
  });

  test.each([1, 35, 1000])("runs up to %i handlers at once, never more", async (concurrency) => {
    let most = 0;
    const messages = concurrency * 3;
    queue.add(...Array.from({ length: messages }, (_, index) => `m${index}`));
    start(
      (_, { signal }) => {
        most = Math.max(most, worker.inProgress);
        return sleep(200, signal);
      },
      { concurrency },
    );
    await pass(5000);
    expect(queue.deleted).toHaveLength(messages);
    expect(most).toBe(concurrency);
  });

  test("polls an empty queue with one call at a time, even after a rush", async () => {
    queue.add(...Array.from({ length: 300 }, (_, index) => `m${index}`));
    start((_, { signal }) => sleep(100, signal), { concurrency: 100 });
    await pass(20_000);
    expect(queue.deleted).toHaveLength(300);
    expect(queue.polling).toBe(1);
  });

  test("asks three times a minute when it has been idle for a minute", async () => {
    start(() => {});
    await pass(3_600_000);
    const perHour = queue.receives.length;
    expect(perHour).toBeLessThanOrEqual(3600 / 20 + 60 / 5);
    expect(queue.polling).toBe(1);
  });

  test("fills all its slots within a second of a backlog, at a distance of 50 ms", async () => {
    start((_, { signal }) => sleep(10_000, signal), { concurrency: 160 });
    const receive = queue.receive.bind(queue);
    queue.receive = async (options, signal) => {
      await sleep(50, signal);
      return receive(options, signal);
    };
    await pass(600_000);
    expect(queue.polling).toBe(1);
    queue.add(...Array.from({ length: 3000 }, (_, index) => `m${index}`));
    await pass(1000);
    expect(worker.inProgress).toBe(160);
  });

  test.each([
    ["after as many messages as it was told", 25, 20],
    ["when there are fewer", 7, 7],
  ])("ends by itself %s", async (_, sent, handled) => {
    queue.add(...Array.from({ length: sent }, (_unused, index) => `m${index}`));
    worker = createWorker({ queue, handler: (_message, { signal }) => sleep(10, signal), maxMessages: 20 });
    const ended = worker.start();
    await pass(6000);
    await ended;
    expect(queue.deleted).toHaveLength(handled);
  });

  test("keeps using free slots while one message takes very long", async () => {
    queue.add("slow", ...Array.from({ length: 50 }, (_, index) => `m${index}`));
    start(({ id }, { signal }) => sleep(id === "slow" ? 30_000 : 10, signal), { concurrency: 10 });
    await pass(5000);
    expect(queue.deleted).toHaveLength(50);
  });

  describe("while the queue cannot be used", () => {
    test.each([
      ["QueueDoesNotExist", 400, "queue: missing (receive)"],
      ["AccessDenied", 403, "queue: denied (receive)"],
      ["RequestThrottled", 400, "queue: throttled (receive)"],
      ["ECONNREFUSED", undefined, "queue: unreachable (receive)"],
    ])(
      "for %s, shows it, logs it once, backs off and goes on when it is over",
      async (name, status, complaint) => {
        start(() => {});
        await pass(10);
        expect(worker.notReady()).toEqual([]);
        queue.fail("receive", sdkError(name, status), 1000);
        await pass(130_000);
        expect(worker.notReady()).toEqual([complaint]);
        expect(log.fieldsOf("queue.unavailable")).toHaveLength(1);
        expect(queue.receives.length).toBeLessThan(35);
        queue.recover("receive");
        queue.add("a");
        await pass(31_000);
        expect(queue.deleted).toEqual(["a#1"]);
        expect(worker.notReady()).toEqual([]);
        expect(log.fieldsOf("queue.available")).toHaveLength(1);
      },
    );

    test("goes on when all its pollers fail at the same moment", async () => {
      let isEnded = false;
      worker = createWorker({ queue, handler: (_, { signal }) => sleep(100, signal), log, concurrency: 100 });
      void worker.start().then(() => (isEnded = true));
      queue.add(...Array.from({ length: 500 }, (_, index) => `m${index}`));
      await pass(200);
      const together = Promise.withResolvers<never>();
      together.promise.catch(() => {});
      const receive = queue.receive.bind(queue);
      queue.receive = () => together.promise;
      await pass(1000);
      together.reject(sdkError("CredentialsProviderError"));
      await pass(100);
      queue.receive = receive;
      queue.add("later");
      await pass(10_000);
      expect(isEnded).toBe(false);
      expect(queue.deleted).toContain("later#1");
    });

    test("waits for a queue that is missing at the start", async () => {
      queue.fail("describe", sdkError("QueueDoesNotExist", 400), 3);
      queue.add("a");
      start(() => {});
      await pass(100);
      expect(worker.notReady()).toEqual(["queue: missing (receive)"]);
      expect(queue.receives).toEqual([]);
      await pass(10_000);
      expect(queue.deleted).toEqual(["a#1"]);
    });

    test("works without permission to read the queue's attributes", async () => {
      queue.fail("describe", sdkError("AccessDenied", 403));
      queue.add("a");
      start(() => {});
      await pass(50);
      expect(queue.deleted).toEqual(["a#1"]);
      expect(worker.notReady()).toEqual([]);
    });
  });

  /** Sends each call of the queue through `fate`, which may throw. */
  function put(fate: () => void): void {
    for (const operation of ["receive", "delete", "changeVisibility"] as const) {
      const call = queue[operation].bind(queue) as (...args: unknown[]) => Promise<never>;
      queue[operation] = async (...args: unknown[]) => {
        fate();
        return call(...args);
      };
    }
  }

  describe("through bad times", () => {
    test.each([
      ["of thirty seconds in which nine of ten calls are throttled", 30_000, "RequestThrottled", 400, 0.9],
      ["of five minutes without network", 300_000, "ECONNRESET", undefined, 1],
      ["of two minutes of internal errors", 120_000, "InternalFailure", 500, 1],
    ])(
      "%s, loses nothing, handles nothing twice, and is back at work within seconds",
      async (_, ms, name, status, part) => {
        let number = 0;
        let isBad = false;
        put(() => {
          // Nine of ten, in no order: a multiplicative generator, so that every run is the same.
          number = (number * 16_807 + 11) % 2_147_483_647;
          if (isBad && (number % 1000) / 1000 < part) throw sdkError(name, status);
        });
        const handled = new Map<string, number>();
        start(
          async ({ id }, { signal }) => {
            await sleep(200, signal);
            handled.set(id, (handled.get(id) ?? 0) + 1);
          },
          { concurrency: 20 },
        );
        let sent = 0;
        const sendFor = async (forMs: number) => {
          for (let second = 0; second < forMs / 1000; second += 1) {
            queue.add(...Array.from({ length: 10 }, () => `m${(sent += 1)}`));
            await pass(1000);
          }
        };
        await sendFor(5000);
        isBad = true;
        await sendFor(ms);
        isBad = false;
        const before = handled.size;
        await pass(8000);
        // At most one backoff later it works at its full speed again.
        expect(handled.size).toBeGreaterThan(before);
        await pass(ms + 30_000);
        expect(handled.size).toBe(sent);
        expect([...handled.values()].every((times) => times === 1)).toBe(true);
        expect(queue.deleted).toHaveLength(sent);
        expect(worker.notReady()).toEqual([]);
      },
    );
  });

  describe("that is stopped", () => {
    test("receives nothing more, lets handlers finish and deletes their messages", async () => {
      queue.add("a", "b");
      start((_, { signal }) => sleep(3000, signal), { concurrency: 2 });
      await pass(1000);
      const stopped = worker.stop({ graceMs: 20_000 });
      queue.add("later");
      await pass(2050);
      await stopped;
      expect(queue.deleted).toEqual(["a#1", "b#1"]);
      expect(queue.receives).toHaveLength(1);
    });

    test("lets the long poll end, and gives back what it still brings", async () => {
      const handler = vi.fn<Handler>();
      start(handler, { waitSeconds: 5 });
      await pass(1000);
      const stopped = worker.stop({ graceMs: 20_000 });
      queue.add("late");
      await pass(50);
      await stopped;
      expect(handler).not.toHaveBeenCalled();
      expect(queue.changes).toEqual([{ receiptHandle: "late#1", visibilitySeconds: 0 }]);
    });

    test("gives back what its handlers could not finish in time", async () => {
      queue.add("a", "b");
      start(({ id }, { signal }) => sleep(id === "a" ? 1000 : 60_000, signal));
      await pass(10);
      const stopped = worker.stop({ graceMs: 10_000 });
      await pass(10_000);
      await stopped;
      expect(queue.deleted).toEqual(["a#1"]);
      expect(queue.changes).toEqual([{ receiptHandle: "b#1", visibilitySeconds: 0 }]);
      expect(log.fieldsOf("message.returned")).toEqual([{ messageId: "b" }]);
      expect(log.fieldsOf("message.failed")).toEqual([]);
    });

    test("ends in time even when a handler ignores its signal and the queue no longer answers", async () => {
      queue.add("a");
      start(() => sleep(600_000));
      await pass(10);
      queue.changeVisibility = () => new Promise(() => {});
      let isStopped = false;
      void worker.stop({ graceMs: 10_000 }).then(() => {
        isStopped = true;
      });
      await pass(10_000);
      expect(isStopped).toBe(true);
    });

    test("ends at once while it waits for a missing queue", async () => {
      queue.fail("describe", sdkError("QueueDoesNotExist", 400), 1000);
      start(() => {});
      await pass(60_000);
      const stopped = worker.stop({ graceMs: 10_000 });
      await pass(1);
      await stopped;
      expect(worker.notReady()).toEqual(["stopping"]);
    });
  });
});
