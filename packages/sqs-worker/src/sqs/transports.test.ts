import type { Server } from "node:http";
import type { AddressInfo } from "node:net";

import {
  CreateQueueCommand,
  GetQueueAttributesCommand,
  SendMessageCommand,
  SQSClient,
} from "@aws-sdk/client-sqs";
import { type Need, needs, QueueEmulator } from "@kong-serverless/testing";
import { createSqsServer } from "local-aws-sqs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { classify } from "../queue-condition.ts";
import type { ReceivedMessage } from "../queue.ts";
import { SqsQueue, type SqsQueueOptions } from "./sqs-queue.ts";

interface RunningEmulator extends AsyncDisposable {
  readonly endpoint: string;
}

/** The contract of `SqsQueue`, which both transports fulfil on two independently written servers. */
const emulators = {
  fauxqs: {
    async start(): Promise<RunningEmulator> {
      const emulator = await QueueEmulator.start();
      return {
        endpoint: String(emulator.env["AWS_ENDPOINT_URL"]),
        [Symbol.asyncDispose]: () => emulator[Symbol.asyncDispose](),
      };
    },
    rejectsBadHandles: false,
    hasSystemAttributes: true,
  },
  "local-aws-sqs": {
    async start(): Promise<RunningEmulator> {
      const server: Server = await createSqsServer({ port: 0, hostname: "127.0.0.1" });
      const { port } = server.address() as AddressInfo;
      const close = () => new Promise<void>((resolve) => server.close(() => resolve()));
      return {
        endpoint: `http://127.0.0.1:${port}`,
        [Symbol.asyncDispose]: () => {
          server.closeAllConnections();
          return close();
        },
      };
    },
    rejectsBadHandles: true,
    // It answers to the deprecated `AttributeNames` only.
    hasSystemAttributes: false,
  },
};

const emulatorWith = (feature: string, isMet: boolean): Need => ({
  what: `an emulator with ${feature}`,
  remedy: "the other one has them",
  isMet,
});

const never = new AbortController().signal;
const options = { maxMessages: 10, waitSeconds: 1, visibilitySeconds: 30 };

async function receiveAll(queue: SqsQueue, count: number): Promise<ReceivedMessage[]> {
  const all: ReceivedMessage[] = [];
  while (all.length < count) all.push(...(await queue.receive(options, never)));
  return all;
}

describe.each(Object.keys(emulators) as (keyof typeof emulators)[])("on %s", (name) => {
  let emulator: RunningEmulator;
  let client: SQSClient;

  beforeAll(async () => {
    emulator = await emulators[name].start();
    const credentials = { accessKeyId: "test", secretAccessKey: "test" };
    client = new SQSClient({ endpoint: emulator.endpoint, region: "us-east-1", credentials });
  });
  afterAll(async () => {
    client.destroy();
    await emulator[Symbol.asyncDispose]();
  });

  async function send(url: string, body: string, attributes: Record<string, string> = {}): Promise<void> {
    const MessageAttributes = Object.fromEntries(
      Object.entries(attributes).map(([key, StringValue]) => [key, { DataType: "String", StringValue }]),
    );
    await client.send(new SendMessageCommand({ QueueUrl: url, MessageBody: body, MessageAttributes }));
  }

  describe.each(["lean", "sdk"] as const)("the %s transport", (transport) => {
    const nameOf = (purpose: string) => `${purpose}-${transport}`;

    async function create(purpose: string, attributes: Record<string, string> = {}): Promise<string> {
      const { QueueUrl = "" } = await client.send(
        new CreateQueueCommand({ QueueName: nameOf(purpose), Attributes: attributes }),
      );
      // The emulators' own URLs have host names that may not resolve.
      return `${emulator.endpoint}${new URL(QueueUrl).pathname}`;
    }

    function open(queue: SqsQueueOptions["queue"]): SqsQueue {
      return new SqsQueue({ client, queue, transport });
    }

    test("receives what was sent, with its attributes, whatever the text", async () => {
      const url = await create("received");
      const bodies = [
        "hello",
        "Grüße, заказ №17",
        '{"n": 1.0}',
        "line\nbreak\ttab",
        '"quoted\\"',
        "x".repeat(100_000),
      ];
      for (const body of bodies) await send(url, body, { kind: "test", traceparent: "ü" });
      const messages = await receiveAll(open({ url }), bodies.length);
      expect(messages.map(({ body }) => body).toSorted()).toEqual(bodies.toSorted());
      for (const message of messages) {
        expect(message).toMatchObject({ attributes: { kind: "test", traceparent: "ü" } });
        expect(message.fault).toBeUndefined();
      }
    });

    test("deletes, and reports when there is nothing to delete", async () => {
      const url = await create("deleted");
      await send(url, "a");
      await send(url, "b");
      const queue = open({ url });
      const messages = await receiveAll(queue, 2);
      expect(
        await queue.delete(
          messages.map(({ receiptHandle }) => receiptHandle),
          never,
        ),
      ).toEqual([undefined, undefined]);
      expect(await queue.receive(options, never)).toEqual([]);
      const { Attributes } = await client.send(
        new GetQueueAttributesCommand({ QueueUrl: url, AttributeNames: ["All"] }),
      );
      expect(Attributes).toMatchObject({
        ApproximateNumberOfMessages: "0",
        ApproximateNumberOfMessagesNotVisible: "0",
      });
    });

    test("gives a message back at once", async () => {
      const url = await create("returned");
      await send(url, "a");
      const queue = open({ url });
      const [first] = await receiveAll(queue, 1);
      const change = { receiptHandle: first?.receiptHandle ?? "", visibilitySeconds: 0 };
      expect(await queue.changeVisibility([change], never)).toEqual([undefined]);
      const [second] = await receiveAll(queue, 1);
      expect(second).toMatchObject({ id: first?.id, body: "a" });
    });

    test(
      "counts receives, and knows when it was sent",
      needs(emulatorWith("system attributes", emulators[name].hasSystemAttributes)),
      async () => {
        const url = await create("counted");
        await send(url, "a");
        const queue = open({ url });
        const [first] = await receiveAll(queue, 1);
        expect(first?.receiveCount).toBe(1);
        expect(Math.abs(Date.now() - (first?.sentAt ?? 0))).toBeLessThan(60_000);
        await queue.changeVisibility(
          [{ receiptHandle: first?.receiptHandle ?? "", visibilitySeconds: 0 }],
          never,
        );
        const [second] = await receiveAll(queue, 1);
        expect(second?.receiveCount).toBe(2);
      },
    );

    test(
      "learns that an invalid handle is final",
      needs(emulatorWith("checks of handles", emulators[name].rejectsBadHandles)),
      async () => {
        const url = await create("refused");
        const [refused] = await open({ url }).delete(["no handle"], never);
        expect(refused).toMatchObject({ code: "ReceiptHandleIsInvalid", isFinal: true });
      },
    );

    test("knows the queue by its name, alone or with its account, and what it does with failures", async () => {
      const dead = await create("dead");
      const { Attributes } = await client.send(
        new GetQueueAttributesCommand({ QueueUrl: dead, AttributeNames: ["QueueArn"] }),
      );
      const policy = JSON.stringify({ deadLetterTargetArn: Attributes?.QueueArn, maxReceiveCount: 7 });
      const url = await create("named", { RedrivePolicy: policy });
      const [, accountId = ""] = new URL(url).pathname.split("/");
      for (const queue of [{ name: nameOf("named") }, { name: nameOf("named"), accountId }]) {
        expect(await open(queue).describe(never)).toEqual({ maxReceiveCount: 7 });
      }
    });

    test("says that a queue is missing", async () => {
      for (const queue of [{ name: "nowhere" }, { url: `${emulator.endpoint}/123456789012/nowhere` }]) {
        const error: unknown = await open(queue)
          .receive(options, never)
          .catch((reason: unknown) => reason);
        expect(classify(error)).toBe("missing");
      }
    });
  });
});
