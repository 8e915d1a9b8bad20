import { RecordingLog } from "@kong-serverless/testing";
import { describe, expect, test } from "vitest";

import { EntryError } from "./batcher.ts";
import { classify, QueueCondition } from "./queue-condition.ts";
import { sdkError } from "./testing/scripted-queue.ts";

describe("classify", () => {
  test.each([
    ["QueueDoesNotExist", 400, "missing"],
    ["AWS.SimpleQueueService.NonExistentQueue", 400, "missing"],
    ["AccessDenied", 403, "denied"],
    ["AccessDeniedException", 400, "denied"],
    ["InvalidClientTokenId", 403, "denied"],
    ["ExpiredTokenException", 400, "denied"],
    ["SomethingElse", 403, "denied"],
    ["CredentialsProviderError", undefined, "unauthenticated"],
    ["RequestThrottled", 400, "throttled"],
    ["ThrottlingException", 400, "throttled"],
    ["OverLimit", 403, "throttled"],
    ["ECONNREFUSED", undefined, "unreachable"],
    ["TimeoutError", undefined, "unreachable"],
    ["InternalFailure", 500, "failing"],
    ["TypeError", undefined, "internal"],
  ] as const)("takes %s with status %s for %s", (name, status, state) => {
    expect(classify(sdkError(name, status))).toBe(state);
  });

  test("does not treat the refusal of one entry as a network failure", () => {
    const refusal = { reason: "later", isFinal: false };
    expect(classify(new EntryError({ ...refusal, code: "InternalError" }))).toBe("failing");
    expect(classify(new EntryError({ ...refusal, code: "RequestThrottled" }))).toBe("throttled");
  });

  test.each([undefined, null, "text", 1, Object.create(null)])(
    "classifies %s, which nothing outside threw, as internal",
    (odd) => {
      expect(classify(odd)).toBe("internal");
    },
  );

  test.each(["ECONNRESET", "ENOTFOUND", "EAI_AGAIN", "CERT_HAS_EXPIRED", "UNABLE_TO_VERIFY_LEAF_SIGNATURE"])(
    "finds %s where fetch and the SDK hide it",
    (code) => {
      const hidden = new Error("failed", { cause: Object.assign(new Error("hidden"), { code }) });
      expect(classify(hidden)).toBe("unreachable");
    },
  );

  test.each([
    ["an invalid header", () => new Headers({ name: "\r\n" })],
    ["a programming fault", () => (undefined as unknown as { text: string }).text],
  ])("does not take %s for a lost connection", (_, fail) => {
    let thrown: unknown;
    try {
      fail();
    } catch (error) {
      thrown = error;
    }
    expect(classify(thrown)).toBe("internal");
  });
});

function create() {
  const log = new RecordingLog();
  return {
    log,
    condition: new QueueCondition({ operation: "receive", initial: "unknown", log, observer: {} }),
  };
}

describe("QueueCondition", () => {
  test("logs each state once, however often it occurs", () => {
    const { log, condition } = create();
    for (let call = 0; call < 5; call += 1) condition.failed(sdkError("QueueDoesNotExist", 400));
    for (let call = 0; call < 5; call += 1) condition.failed(sdkError("AccessDenied", 403));
    condition.succeeded();
    condition.succeeded();
    expect(log.events.map(({ event, fields }) => [event, fields["state"] ?? fields["after"]])).toEqual([
      ["queue.unavailable", "missing"],
      ["queue.unavailable", "denied"],
      ["queue.available", "denied"],
    ]);
  });

  test("says what is wrong until it is over", () => {
    const { condition } = create();
    expect(condition.complaint).toBe("queue: no answer yet");
    condition.failed(sdkError("QueueDoesNotExist", 400));
    expect(condition.complaint).toBe("queue: missing (receive)");
    condition.succeeded();
    expect(condition.complaint).toBeUndefined();
  });

  test("logs an internal fault as an error with its cause, and does not hurry to retry", () => {
    const { log, condition } = create();
    expect(condition.failed(new TypeError("invalid header"))).toBe(8000);
    expect(condition.complaint).toBe("queue: internal (receive): invalid header");
    expect(log.events).toMatchObject([
      { level: "error", fields: { state: "internal", reason: "invalid header" } },
    ]);
  });

  test("waits longer after each failure, 8 s at most, and starts over after a success", () => {
    const { condition } = create();
    const delays = Array.from({ length: 12 }, () => condition.failed(sdkError("ECONNREFUSED")));
    expect(delays[0]).toBeGreaterThanOrEqual(500);
    expect(delays[0]).toBeLessThanOrEqual(1000);
    expect(delays.at(-1)).toBeGreaterThanOrEqual(4000);
    expect(Math.max(...delays)).toBeLessThanOrEqual(8000);
    condition.succeeded();
    expect(condition.failed(sdkError("ECONNREFUSED"))).toBeLessThanOrEqual(1000);
  });
});
