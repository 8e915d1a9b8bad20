import { createHash } from "node:crypto";

import { RecordingLog } from "@kong-serverless/testing";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";

import { classify } from "../queue-condition.ts";
import { ScriptedSqs, sqsError } from "../testing/scripted-sqs.ts";
import { SqsQueue, type SqsQueueOptions } from "./sqs-queue.ts";

const never = new AbortController().signal;
const noAnswer = () => new Promise<never>(() => {});
const noRole = () => Promise.reject(new Error("no role"));
const options = { maxMessages: 10, waitSeconds: 0, visibilitySeconds: 30 };

function sqsMessage(id: string, extra: object = {}) {
  const MD5OfBody = createHash("md5").update(id).digest("hex");
  return { MessageId: id, ReceiptHandle: `${id}#`, Body: id, MD5OfBody, ...extra };
}

test("refuses a FIFO queue, by URL and by name", () => {
  const client = new ScriptedSqs().client();
  const url = "https://sqs.eu-west-1.amazonaws.com/123456789012/jobs.fifo";
  for (const queue of [{ url }, { url: `${url}/` }, { name: "jobs.fifo" }]) {
    expect(() => new SqsQueue({ client, queue })).toThrow(/is a FIFO queue.*use a standard queue/);
  }
});

describe.each(["lean", "sdk"] as const)("SqsQueue over the %s transport", (transport) => {
  let sqs: ScriptedSqs;

  beforeEach(async () => {
    sqs = await new ScriptedSqs().start();
  });
  afterEach(() => sqs.stop());

  function create(extra: Partial<SqsQueueOptions> = {}): SqsQueue {
    const queue = { url: `${sqs.url}/123456789012/jobs` };
    return new SqsQueue({ client: sqs.client(), queue, transport, ...extra });
  }

  test("looks a queue up by its name, whatever host an emulator's URL has", async () => {
    sqs.script("GetQueueUrl", { body: { QueueUrl: "http://sqs.eu-west-1.127.0.0.1:1/0/jobs" } });
    sqs.script("GetQueueAttributes", { body: {} });
    await expect(create({ queue: { name: "jobs" } }).describe(never)).resolves.toEqual({});
  });

  test("accepts nothing else as a queue's URL", async () => {
    sqs.script("GetQueueUrl", { body: {} });
    await expect(create({ queue: { name: "jobs" } }).describe(never)).rejects.toThrow("has no URL");
  });

  test("tells which entries of a batch failed, and whether for good", async () => {
    sqs.script("DeleteMessageBatch", {
      body: {
        Successful: [{ Id: "0" }, { Id: "2" }],
        Failed: [
          { Id: "1", SenderFault: true, Code: "ReceiptHandleIsInvalid", Message: "expired" },
          { Id: "3", SenderFault: false, Code: "InternalError" },
        ],
      },
    });
    expect(await create().delete(["a", "b", "c", "d"], never)).toEqual([
      undefined,
      { code: "ReceiptHandleIsInvalid", reason: "expired", isFinal: true },
      undefined,
      { code: "InternalError", reason: "InternalError", isFinal: false },
    ]);
  });

  test("treats an entry that the answer does not mention as failed", async () => {
    sqs.script("ChangeMessageVisibilityBatch", { body: { Successful: [{ Id: "0" }] } });
    const changes = ["a", "b"].map((receiptHandle) => ({ receiptHandle, visibilitySeconds: 0 }));
    expect(await create().changeVisibility(changes, never)).toMatchObject([
      undefined,
      { code: "Unanswered", isFinal: false },
    ]);
  });

  test.each([
    ['{"deadLetterTargetArn":"arn","maxReceiveCount":5}', { maxReceiveCount: 5 }],
    ['{"deadLetterTargetArn":"arn","maxReceiveCount":"5"}', { maxReceiveCount: 5 }],
    [undefined, {}],
  ])("reads the redrive policy %s", async (RedrivePolicy, description) => {
    sqs.script("GetQueueAttributes", { body: { Attributes: { RedrivePolicy } } });
    expect(await create().describe(never)).toEqual(description);
  });

  test("blames a wrong checksum, or a body that is missing, on that message alone", async () => {
    const others = ["a", "b"].map((id) => sqsMessage(id));
    const corrupted = sqsMessage("c", { MD5OfBody: "0".repeat(32) });
    const empty = sqsMessage("d", { Body: undefined });
    const unreachable = sqsMessage("e", { ReceiptHandle: undefined });
    sqs.script("ReceiveMessage", { body: { Messages: [...others, corrupted, empty, unreachable, null] } });
    const messages = await create().receive(options, never);
    expect(messages.map(({ id, fault }) => [id, fault])).toEqual([
      ["a", undefined],
      ["b", undefined],
      ["c", expect.stringContaining(`not ${"0".repeat(32)}`)],
      ["d", "It has no body."],
    ]);
  });

  test("does not verify checksums when the client was told not to", async () => {
    sqs.script("ReceiveMessage", { body: { Messages: [sqsMessage("a", { MD5OfBody: "wrong" })] } });
    const [message] = await create({ client: sqs.client({ md5: false }) }).receive(options, never);
    expect(message).not.toHaveProperty("fault");
  });

  test.each([
    [sqsError("QueueDoesNotExist", 400), "missing"],
    [sqsError("AccessDeniedException", 403), "denied"],
    [sqsError("InvalidClientTokenId", 403), "denied"],
    [sqsError("KmsThrottled", 400), "throttled"],
    [{ status: 429, body: "<html>busy</html>" }, "throttled"],
    [sqsError("UnsupportedOperation", 400), "failing"],
    [{ status: 403, body: "<html>the proxy says no</html>" }, "denied"],
    [{ status: 200, body: "<html>sign in</html>" }, "failing"],
  ] as const)("sorts the answer %j as %s", async (answer, state) => {
    sqs.script("ReceiveMessage", answer);
    const client = sqs.client({ maxAttempts: 1 });
    const error: unknown = await create({ client })
      .receive(options, never)
      .catch((reason: unknown) => reason);
    expect(classify(error)).toBe(state);
  });

  test("does not accept half an answer", async () => {
    sqs.script("ReceiveMessage", { body: '{"Messages": [{"Bo', cut: true });
    const receiving = create({ client: sqs.client({ maxAttempts: 1 }) }).receive(options, never);
    const error: unknown = await receiving.catch((reason: unknown) => reason);
    // The SDK reads to the end and finds that it is not JSON; Node's own error is better.
    expect(classify(error)).toBe(transport === "sdk" ? "failing" : "unreachable");
  });

  test("retries what may succeed, as often as the client's policy says, and counts each request", async () => {
    sqs.script("ReceiveMessage", sqsError("ServiceUnavailable", 503), sqsError("ThrottlingException", 400), {
      body: { Messages: [sqsMessage("a")] },
    });
    const requestSent = vi.fn<(operation: string) => void>();
    expect(await create({ observer: { requestSent } }).receive(options, never)).toHaveLength(1);
    expect(requestSent.mock.calls).toEqual([["ReceiveMessage"], ["ReceiveMessage"], ["ReceiveMessage"]]);
  });

  test("does not retry what cannot succeed", async () => {
    sqs.script("ReceiveMessage", sqsError("AccessDeniedException", 403));
    await expect(create().receive(options, never)).rejects.toMatchObject({ name: "AccessDeniedException" });
    expect(sqs.requests).toHaveLength(1);
  });

  test("ends with the signal's reason", async () => {
    sqs.script("ReceiveMessage", { isSilent: true });
    const stop = new AbortController();
    const receiving = create().receive(options, stop.signal);
    await vi.waitFor(() => expect(sqs.requests).toHaveLength(1));
    stop.abort(new Error("stopped"));
    await expect(receiving).rejects.toThrow("stopped");
  });

  test("signs a session token too", async () => {
    const credentials = { accessKeyId: "a", secretAccessKey: "b", sessionToken: "of a session" };
    await create({ client: sqs.client({ credentials }) }).receive(options, never);
    const { headers } = sqs.requests[0] ?? {};
    expect(headers).toMatchObject({ "x-amz-security-token": "of a session" });
    expect(headers?.["authorization"]).toMatch(/SignedHeaders=[^,]*x-amz-security-token/);
  });

  test("corrects the clock that it signs by when the service says that it is wrong", async () => {
    const date = new Date(Date.now() + 3_600_000).toUTCString();
    const skewed = {
      ...sqsError("InvalidSignatureException", 403, "Signature not yet current"),
      headers: { date },
    };
    sqs.script("ReceiveMessage", skewed, { headers: { date } });
    await create().receive(options, never);
    const [first, second] = sqs.requests.map(({ headers }) => readDate(headers["x-amz-date"]));
    expect(Math.round(((second ?? 0) - (first ?? 0)) / 60_000)).toBe(60);
  });

  describe("without credentials", () => {
    test("says so when there are none", async () => {
      const receiving = create({ client: sqs.client({ credentials: noRole }) }).receive(options, never);
      const error: unknown = await receiving.catch((reason: unknown) => reason);
      expect(classify(error)).toBe("unauthenticated");
      expect(String(error)).toContain("no role");
    });

    describe("because their provider never answers", () => {
      beforeEach(() => {
        vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
      });
      afterEach(() => {
        vi.useRealTimers();
      });

      test("gives up within seconds", async () => {
        const receiving = create({ client: sqs.client({ credentials: noAnswer }) }).receive(options, never);
        expect(await codeAfter(10_000, receiving)).toBe("QUEUE_CREDENTIALS_UNAVAILABLE");
      });

      test("ends at once when the worker stops", async () => {
        const stop = new AbortController();
        const queue = create({ client: sqs.client({ credentials: noAnswer }) });
        const receiving = queue.receive({ ...options, stopping: stop.signal }, never);
        stop.abort(new Error("stopped"));
        await expect(receiving).rejects.toThrow("stopped");
      });
    });
  });

  describe("when an answer never comes", () => {
    beforeEach(() => {
      vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    });
    afterEach(() => {
      vi.useRealTimers();
    });

    test("ends the call at its deadline", async () => {
      sqs.script("DeleteMessageBatch", { isSilent: true });
      const deleting = create().delete(["a"], never);
      await vi.waitUntil(() => sqs.requests.length > 0);
      expect(await codeAfter(10_000, deleting)).toBe("QUEUE_CALL_TIMEOUT");
    });
  });
});

describe("SqsQueue", () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  test("counts and logs a call that ignores its deadline", async () => {
    const log = new RecordingLog();
    const callAbandoned = vi.fn<(operation: string) => void>();
    const client = new ScriptedSqs().client();
    client.config.requestHandler.handle = noAnswer;
    const url = "http://127.0.0.1/123456789012/jobs";
    const queue = new SqsQueue({ client, queue: { url }, log, observer: { callAbandoned } });
    expect(await codeAfter(10_000, queue.delete(["a"], never))).toBe("QUEUE_CALL_TIMEOUT");
    await vi.advanceTimersByTimeAsync(1000);
    expect(log.fieldsOf("queue.call_abandoned")).toEqual([{ operation: "DeleteMessageBatch" }]);
    expect(callAbandoned.mock.calls).toEqual([["DeleteMessageBatch"]]);
  });
});

describe("SqsQueue chooses", () => {
  test("the SDK for a client with middleware of its own", async () => {
    await using sqs = await new ScriptedSqs().start();
    const client = sqs.client();
    client.middlewareStack.add((next) => next, { step: "build", name: "own" });
    const queue = new SqsQueue({ client, queue: { url: `${sqs.url}/123456789012/jobs` } });
    await queue.receive(options, never);
    expect(sqs.requests[0]?.headers["amz-sdk-request"]).toBeDefined();
  });

  test("the lean transport for any other", async () => {
    await using sqs = await new ScriptedSqs().start();
    const queue = new SqsQueue({ client: sqs.client(), queue: { url: `${sqs.url}/123456789012/jobs` } });
    await queue.receive(options, never);
    expect(sqs.requests[0]?.headers["amz-sdk-request"]).toBeUndefined();
  });
});

/** The code that `work` fails with by the time that `ms` have passed. */
async function codeAfter(ms: number, work: Promise<unknown>): Promise<unknown> {
  const outcome = work.then(
    () => "no failure",
    (error: unknown) => (error as { code: unknown }).code,
  );
  await vi.advanceTimersByTimeAsync(ms);
  return outcome;
}

/** Of `20150830T123600Z`, in epoch ms. */
function readDate(timestamp: unknown): number {
  const [, ...parts] = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(String(timestamp)) ?? [];
  const [year = 0, month = 0, day, hour, minute, second] = parts.map(Number);
  return Date.UTC(year, month - 1, day, hour, minute, second);
}
