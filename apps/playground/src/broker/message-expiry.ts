import { DeleteMessageCommand, ReceiveMessageCommand, type SQSClient } from "@aws-sdk/client-sqs";
import { pause } from "@kong-serverless/runtime";

import type { Emulator } from "./emulator.ts";

export interface MessageExpiryOptions {
  readonly emulator: Emulator;
  readonly sqs: SQSClient;
  /** Queues that nobody else receives from. */
  readonly queues: readonly string[];
  readonly retentionSeconds: number;
  readonly onError: (error: unknown) => void;
}

const checkIntervalMs = 250;
/** How long a message that turns out not to have expired stays hidden. */
const visibilitySeconds = 1;

/**
 * SQS's message retention for an emulator that has none: messages older than the retention are received and deleted,
 * over the same protocol that everyone else uses.
 */
export class MessageExpiry {
  readonly #options: MessageExpiryOptions;
  readonly #stopped = new AbortController();
  readonly #loop: Promise<void>;

  constructor(options: MessageExpiryOptions) {
    this.#options = options;
    this.#loop = this.#run();
  }

  async stop(): Promise<void> {
    this.#stopped.abort();
    await this.#loop;
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopped;
    while (!signal.aborted) {
      for (const queue of this.#options.queues) {
        await this.#expire(queue).catch((error: unknown) => {
          if (!signal.aborted) this.#options.onError(error);
        });
      }
      await pause(checkIntervalMs, signal);
    }
  }

  async #expire(queue: string): Promise<void> {
    const { emulator, sqs, retentionSeconds } = this.#options;
    const state = await emulator.inspect(queue);
    const expiredBefore = Date.now() - retentionSeconds * 1000;
    if (!state) return;
    // fauxqs returns received messages to the queue only when somebody receives again.
    const returned = state.messages.inflight.filter(
      ({ visibilityDeadline }) => visibilityDeadline < Date.now(),
    );
    const visible = [...state.messages.ready, ...returned.map(({ message }) => message)];
    const expired = visible.filter(({ sentTimestamp }) => sentTimestamp < expiredBefore).length;
    if (expired === 0) return;
    // The oldest come first, and nobody else receives here.
    const { Messages: received = [] } = await sqs.send(
      new ReceiveMessageCommand({
        QueueUrl: state.url,
        MaxNumberOfMessages: Math.min(10, expired),
        VisibilityTimeout: visibilitySeconds,
        MessageSystemAttributeNames: ["SentTimestamp"],
      }),
      { abortSignal: this.#stopped.signal },
    );
    for (const { Attributes, ReceiptHandle } of received) {
      if (Number(Attributes?.["SentTimestamp"]) >= expiredBefore) continue;
      await sqs.send(new DeleteMessageCommand({ QueueUrl: state.url, ReceiptHandle }));
    }
  }
}
