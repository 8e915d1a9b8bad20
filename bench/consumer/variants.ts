import { DeleteMessageCommand, ReceiveMessageCommand, type SQSClient } from "@aws-sdk/client-sqs";
import { createWorker, SqsQueue } from "@kong-serverless/sqs-worker";
import { Consumer } from "sqs-consumer";

export interface ConsumerVariantOptions {
  readonly client: SQSClient;
  readonly url: string;
  /** Handles one message. */
  readonly handle: () => Promise<void>;
}

export interface ConsumerVariant {
  /** The most messages in flight: the variant's setting, or its limit. */
  readonly inFlight: number;
  /** Starts consuming and never stops: the process is killed. */
  start(options: ConsumerVariantOptions): void;
}

export const consumerVariants = {
  "sqs-worker": { inFlight: 80, start: (options) => startWorker(options, { concurrency: 80 }) },
  "sqs-worker-sdk": { inFlight: 80, start: (options) => startWorker(options, { concurrency: 80 }, "sdk") },
  "sqs-worker-default": { inFlight: 10, start: (options) => startWorker(options, {}) },
  "sqs-consumer-1": { inFlight: 10, start: (options) => startConsumers(options, 1) },
  "sqs-consumer-8": { inFlight: 80, start: (options) => startConsumers(options, 8) },
  original: { inFlight: 1, start: (options) => void runOriginal(options) },
} satisfies Record<string, ConsumerVariant>;

export type ConsumerVariantName = keyof typeof consumerVariants;

function startWorker(
  { client, url, handle }: ConsumerVariantOptions,
  settings: { concurrency?: number },
  transport: "lean" | "sdk" = "lean",
): void {
  const queue = new SqsQueue({ client, queue: { url }, transport });
  void createWorker({ queue, handler: handle, ...settings }).start();
}

/** Batches of 10, handled concurrently and deleted with one call: the fastest way that sqs-consumer offers. */
function startConsumers({ client, url, handle }: ConsumerVariantOptions, count: number): void {
  for (let started = 0; started < count; started += 1) {
    const consumer = Consumer.create({
      queueUrl: url,
      sqs: client,
      batchSize: 10,
      async handleMessageBatch(messages) {
        await Promise.all(messages.map(handle));
        return messages;
      },
    });
    consumer.on("error", (error) => {
      throw error;
    });
    consumer.start();
  }
}

/** Like the sample that this project started from: receives, handles and deletes one message at a time. */
async function runOriginal({ client, url, handle }: ConsumerVariantOptions): Promise<void> {
  for (;;) {
    const { Messages = [] } = await client.send(
      new ReceiveMessageCommand({ QueueUrl: url, MaxNumberOfMessages: 1, WaitTimeSeconds: 20 }),
    );
    for (const { ReceiptHandle } of Messages) {
      await handle();
      await client.send(new DeleteMessageCommand({ QueueUrl: url, ReceiptHandle }));
    }
  }
}
