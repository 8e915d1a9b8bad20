import type { SQSClient } from "@aws-sdk/client-sqs";
import { QueueEmulator } from "@kong-serverless/testing";
import { describe, expect, test } from "vitest";

import { SqsQueue } from "./queue.ts";

const never = new AbortController().signal;
const url = "https://sqs.eu-west-1.amazonaws.com/123456789012/jobs";

/** Answers every command with the same output and remembers the inputs: the emulator accepts every receipt handle. */
class StubClient {
  readonly inputs: unknown[] = [];
  readonly #output: object;

  constructor(output: object) {
    this.#output = output;
  }

  async send(command: { readonly input: unknown }): Promise<object> {
    this.inputs.push(command.input);
    return this.#output;
  }

  asClient(): SQSClient {
    return this as unknown as SQSClient;
  }
}

describe("SqsQueue", () => {
  test("refuses a FIFO queue, by URL and by name", () => {
    const client = new StubClient({}).asClient();
    for (const queue of [{ url: `${url}.fifo` }, { name: "jobs.fifo" }]) {
      expect(() => new SqsQueue({ client, queue })).toThrow(/is a FIFO queue.*use a standard queue/);
    }
  });

  test("tells which entries of a batch failed, and whether for good", async () => {
    const client = new StubClient({
      Successful: [{ Id: "0" }],
      Failed: [
        { Id: "1", SenderFault: true, Code: "ReceiptHandleIsInvalid", Message: "expired" },
        { Id: "3", SenderFault: false, Code: "InternalError" },
      ],
    });
    const queue = new SqsQueue({ client: client.asClient(), queue: { url } });
    const result = await queue.delete(["a", "b", "c", "d"], never);
    expect([0, 1, 2, 3].map((index) => result[index])).toEqual([
      undefined,
      { code: "ReceiptHandleIsInvalid", reason: "expired", isFinal: true },
      undefined,
      { code: "InternalError", reason: "InternalError", isFinal: false },
    ]);
  });

  test.each([
    ['{"deadLetterTargetArn":"arn","maxReceiveCount":5}', 5],
    ['{"deadLetterTargetArn":"arn","maxReceiveCount":"5"}', 5],
  ])("reads the redrive policy %s", async (RedrivePolicy, maxReceiveCount) => {
    const client = new StubClient({ Attributes: { RedrivePolicy } }).asClient();
    expect(await new SqsQueue({ client, queue: { url } }).describe(never)).toEqual({ maxReceiveCount });
  });

  test("knows a queue without a redrive policy", async () => {
    const client = new StubClient({}).asClient();
    expect(await new SqsQueue({ client, queue: { url } }).describe(never)).toEqual({});
  });

  test("receives, hides, gives back and deletes over the AWS protocol, by name", async () => {
    await using emulator = await QueueEmulator.start();
    emulator.createQueue("jobs");
    emulator.send("jobs", "hello");
    const client = emulator.createClient();
    const queue = new SqsQueue({ client, queue: { name: "jobs" } });
    const options = { maxMessages: 10, waitSeconds: 1, visibilitySeconds: 30 };
    const [first] = await queue.receive(options, never);
    expect(first).toMatchObject({ body: "hello", receiveCount: 1, attributes: {} });
    expect(Math.abs(Date.now() - (first?.sentAt ?? 0))).toBeLessThan(60_000);
    await queue.changeVisibility(
      [{ receiptHandle: first?.receiptHandle ?? "", visibilitySeconds: 0 }],
      never,
    );
    const [second] = await queue.receive(options, never);
    expect(second).toMatchObject({ id: first?.id, receiveCount: 2 });
    await queue.delete([second?.receiptHandle ?? ""], never);
    expect(emulator.length("jobs")).toEqual({ ready: 0, inFlight: 0 });
    client.destroy();
  });
});
