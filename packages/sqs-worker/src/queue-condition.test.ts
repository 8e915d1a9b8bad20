import { RecordingLog } from "@kong-serverless/testing";
import { describe, expect, test } from "vitest";

import { EntryError } from "./batcher.ts";
import { classify, QueueCondition } from "./queue-condition.ts";
import { sdkError } from "./scripted-queue.ts";

describe("classify", () => {
  test.each([
    ["QueueDoesNotExist", 400, "missing"],
    ["AWS.SimpleQueueService.NonExistentQueue", 400, "missing"],
    ["AccessDenied", 403, "denied"],
    ["AccessDeniedException", 400, "denied"],
    ["InvalidClientTokenId", 403, "denied"],
    ["ExpiredTokenException", 400, "denied"],
    ["SomethingElse", 403, "denied"],
    ["CredentialsProviderError", undefined, "denied"],
    ["RequestThrottled", 400, "throttled"],
    ["ThrottlingException", 400, "throttled"],
    ["OverLimit", 403, "throttled"],
    ["ECONNREFUSED", undefined, "unreachable"],
    ["TimeoutError", undefined, "unreachable"],
    ["InternalFailure", 500, "failing"],
  ] as const)("takes %s with status %s for %s", (name, status, state) => {
    expect(classify(sdkError(name, status))).toBe(state);
  });

  test("does not take the refusal of one entry for a network that is gone", () => {
    const refusal = { reason: "later", isFinal: false };
    expect(classify(new EntryError({ ...refusal, code: "InternalError" }))).toBe("failing");
    expect(classify(new EntryError({ ...refusal, code: "RequestThrottled" }))).toBe("throttled");
  });

  test.each([undefined, null, "text", 1])("sorts %s too", (odd) => {
    expect(classify(odd)).toBe("unreachable");
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
  test("logs each state once, however often it is met", () => {
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

  test("says what is wrong until it is not", () => {
    const { condition } = create();
    expect(condition.complaint).toBe("queue: no answer yet");
    condition.failed(sdkError("QueueDoesNotExist", 400));
    expect(condition.complaint).toBe("queue: missing (receive)");
    condition.succeeded();
    expect(condition.complaint).toBeUndefined();
  });

  test("waits longer after each failure, half a minute at most, and starts over after a success", () => {
    const { condition } = create();
    const delays = Array.from({ length: 12 }, () => condition.failed(sdkError("ECONNREFUSED")));
    expect(delays[0]).toBeGreaterThanOrEqual(500);
    expect(delays[0]).toBeLessThanOrEqual(1000);
    expect(delays.at(-1)).toBeGreaterThanOrEqual(15_000);
    expect(Math.max(...delays)).toBeLessThanOrEqual(30_000);
    condition.succeeded();
    expect(condition.failed(sdkError("ECONNREFUSED"))).toBeLessThanOrEqual(1000);
  });
});
