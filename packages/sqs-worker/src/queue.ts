import {
  ChangeMessageVisibilityBatchCommand,
  DeleteMessageBatchCommand,
  GetQueueAttributesCommand,
  GetQueueUrlCommand,
  type Message as SqsMessage,
  ReceiveMessageCommand,
  type SQSClient,
} from "@aws-sdk/client-sqs";
import { ServerlessError, withDeadline } from "@kong-serverless/runtime";

export interface ReceivedMessage {
  readonly id: string;
  readonly receiptHandle: string;
  readonly body: string;
  readonly receiveCount: number;
  readonly attributes: Readonly<Record<string, string>>;
  /** Epoch ms. */
  readonly sentAt?: number;
}

export interface ReceiveOptions {
  /** 1 to 10. */
  readonly maxMessages: number;
  /** How long the queue may hold an unanswered call while it is empty; 20 at most. */
  readonly waitSeconds: number;
  readonly visibilitySeconds: number;
}

export interface VisibilityChange {
  readonly receiptHandle: string;
  /** From now on; 0 makes the message visible at once. */
  readonly visibilitySeconds: number;
}

/** What went wrong with one entry of a batch. `isFinal`: the same call would fail again. */
export interface EntryFailure {
  readonly code: string;
  readonly reason: string;
  readonly isFinal: boolean;
}

/** What became of each entry of a batch, by its position: nothing there where it worked. */
export type BatchResult = readonly (EntryFailure | undefined)[];

export interface QueueDescription {
  /** After how many receives the queue moves a message to its dead-letter queue; absent without one. */
  readonly maxReceiveCount?: number;
}

/** What a worker needs of a queue. Every call ends within a deadline of its own and throws when the whole call failed. */
export interface Queue {
  describe(signal: AbortSignal): Promise<QueueDescription>;
  receive(options: ReceiveOptions, signal: AbortSignal): Promise<ReceivedMessage[]>;
  /** At most 10 receipt handles. */
  delete(receiptHandles: readonly string[], signal: AbortSignal): Promise<BatchResult>;
  /** At most 10 changes. */
  changeVisibility(changes: readonly VisibilityChange[], signal: AbortSignal): Promise<BatchResult>;
}

/** A call's own time on top of what it may wait in a long poll. The SDK's retries are in it. */
const callTimeoutMs = 10_000;

export interface SqsQueueOptions {
  readonly client: SQSClient;
  /** The queue by its URL, or by its name in the caller's account: then the URL is asked for at the first call. */
  readonly queue: { readonly url: string } | { readonly name: string };
}

/** A standard SQS queue. Fails with QUEUE_FIFO_UNSUPPORTED for a FIFO queue. */
export class SqsQueue implements Queue {
  readonly #client: SQSClient;
  readonly #name: string;
  #url: string | undefined;

  constructor({ client, queue }: SqsQueueOptions) {
    this.#client = client;
    if ("url" in queue) this.#url = queue.url;
    this.#name = "url" in queue ? queue.url : queue.name;
    if (this.#name.endsWith(".fifo")) {
      throw new ServerlessError(
        "QUEUE_FIFO_UNSUPPORTED",
        `${this.#name} is a FIFO queue. This worker handles messages side by side and in any order: use a standard queue.`,
      );
    }
  }

  async describe(signal: AbortSignal): Promise<QueueDescription> {
    using deadline = this.#deadline("GetQueueAttributes", callTimeoutMs, signal);
    const { Attributes } = await this.#client.send(
      new GetQueueAttributesCommand({
        QueueUrl: await this.#resolveUrl(deadline.signal),
        AttributeNames: ["RedrivePolicy"],
      }),
      { abortSignal: deadline.signal },
    );
    const policy = JSON.parse(Attributes?.RedrivePolicy ?? "{}") as { maxReceiveCount?: number | string };
    return policy.maxReceiveCount === undefined ? {} : { maxReceiveCount: Number(policy.maxReceiveCount) };
  }

  async receive(options: ReceiveOptions, signal: AbortSignal): Promise<ReceivedMessage[]> {
    using deadline = this.#deadline("ReceiveMessage", options.waitSeconds * 1000 + callTimeoutMs, signal);
    const { Messages } = await this.#client.send(
      new ReceiveMessageCommand({
        QueueUrl: await this.#resolveUrl(deadline.signal),
        MaxNumberOfMessages: options.maxMessages,
        WaitTimeSeconds: options.waitSeconds,
        VisibilityTimeout: options.visibilitySeconds,
        MessageSystemAttributeNames: ["ApproximateReceiveCount", "SentTimestamp"],
        MessageAttributeNames: ["All"],
      }),
      { abortSignal: deadline.signal },
    );
    return (Messages ?? []).map(readMessage);
  }

  async delete(receiptHandles: readonly string[], signal: AbortSignal): Promise<BatchResult> {
    using deadline = this.#deadline("DeleteMessageBatch", callTimeoutMs, signal);
    const { Failed } = await this.#client.send(
      new DeleteMessageBatchCommand({
        QueueUrl: await this.#resolveUrl(deadline.signal),
        Entries: receiptHandles.map((ReceiptHandle, index) => ({ Id: String(index), ReceiptHandle })),
      }),
      { abortSignal: deadline.signal },
    );
    return readBatchResult(Failed);
  }

  async changeVisibility(changes: readonly VisibilityChange[], signal: AbortSignal): Promise<BatchResult> {
    using deadline = this.#deadline("ChangeMessageVisibilityBatch", callTimeoutMs, signal);
    const { Failed } = await this.#client.send(
      new ChangeMessageVisibilityBatchCommand({
        QueueUrl: await this.#resolveUrl(deadline.signal),
        Entries: changes.map(({ receiptHandle, visibilitySeconds }, index) => ({
          Id: String(index),
          ReceiptHandle: receiptHandle,
          VisibilityTimeout: visibilitySeconds,
        })),
      }),
      { abortSignal: deadline.signal },
    );
    return readBatchResult(Failed);
  }

  async #resolveUrl(abortSignal: AbortSignal): Promise<string | undefined> {
    this.#url ??= (
      await this.#client.send(new GetQueueUrlCommand({ QueueName: this.#name }), { abortSignal })
    ).QueueUrl;
    return this.#url;
  }

  #deadline(action: string, ms: number, signal: AbortSignal) {
    return withDeadline(ms, () => new Error(`no answer to ${action} within ${ms} ms`), signal);
  }
}

function readMessage(message: SqsMessage): ReceivedMessage {
  const sentAt = Number(message.Attributes?.SentTimestamp);
  return {
    id: message.MessageId ?? "",
    receiptHandle: message.ReceiptHandle ?? "",
    body: message.Body ?? "",
    receiveCount: Number(message.Attributes?.ApproximateReceiveCount ?? 1),
    attributes: Object.fromEntries(
      Object.entries(message.MessageAttributes ?? {}).flatMap(([name, { StringValue }]) =>
        StringValue === undefined ? [] : [[name, StringValue]],
      ),
    ),
    ...(sentAt > 0 && { sentAt }),
  };
}

interface FailedEntry {
  readonly Id: string | undefined;
  readonly Code: string | undefined;
  readonly Message?: string | undefined;
  readonly SenderFault: boolean | undefined;
}

function readBatchResult(failed: readonly FailedEntry[] = []): BatchResult {
  const result: (EntryFailure | undefined)[] = [];
  for (const { Id, Code = "Unknown", Message, SenderFault } of failed) {
    result[Number(Id)] = { code: Code, reason: Message ?? Code, isFinal: SenderFault ?? false };
  }
  return result;
}
