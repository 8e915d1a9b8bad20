import { hash } from "node:crypto";
import type { Readable } from "node:stream";

import { type Message as SqsMessage, SQSClient } from "@aws-sdk/client-sqs";
import { type Log, ServerlessError, silentLog, unlessAborted, withDeadline } from "@kong-serverless/runtime";
import { HttpRequest } from "@smithy/core/protocols";

import { QueueAnswerError, QueueTimeoutError } from "../errors.ts";
import type {
  BatchResult,
  EntryFailure,
  Queue,
  QueueDescription,
  ReceivedMessage,
  ReceiveOptions,
  VisibilityChange,
} from "../queue.ts";
import { LeanTransport } from "./lean-transport.ts";
import { SdkTransport } from "./sdk-transport.ts";
import {
  type Input,
  originOf,
  type Output,
  serviceEndpoint,
  type SqsOperation,
  type SqsTransport,
} from "./transport.ts";

/** Told about a queue's calls, for metrics. No method may throw. */
export interface SqsObserver {
  /** A request was sent; SQS charges for each. */
  requestSent?(operation: SqsOperation): void;
  /** A call did not end when it was aborted at its deadline; nobody waits for it any longer. */
  callAbandoned?(operation: SqsOperation): void;
}

export interface SqsQueueOptions {
  readonly client: SQSClient;
  /** A URL; a name and its owner's account; or a name in the caller's account, whose URL is looked up at the first call. */
  readonly queue: { readonly url: string } | { readonly name: string; readonly accountId?: string };
  /**
   * `lean` signs and sends calls itself, for a fraction of the CPU time; `sdk` sends them through the client and its middleware.
   * Default: `sdk` for a client with custom middleware, otherwise `lean`.
   */
  readonly transport?: "lean" | "sdk";
  readonly log?: Log;
  readonly observer?: SqsObserver;
}

/** The time a call may take, with retries, on top of a long poll's wait. */
const callTimeoutMs = 10_000;
/** How long an aborted call may take to end before it counts as ignoring its signal. */
const abandonedAfterMs = 1000;

/** A standard SQS queue. Fails with QUEUE_FIFO_UNSUPPORTED for a FIFO queue. */
export class SqsQueue implements Queue {
  readonly #client: SQSClient;
  readonly #transport: SqsTransport;
  readonly #log: Log;
  readonly #observer: SqsObserver;
  readonly #queue: SqsQueueOptions["queue"];
  #url: string | undefined;

  constructor({ client, queue, transport, log = silentLog, observer = {} }: SqsQueueOptions) {
    this.#client = client;
    this.#log = log;
    this.#observer = observer;
    this.#queue = queue;
    if ("url" in queue) this.#url = queue.url;
    const onRequest = (operation: SqsOperation) => observer.requestSent?.(operation);
    const kind = transport ?? (isCustomised(client) ? "sdk" : "lean");
    this.#transport = new (kind === "sdk" ? SdkTransport : LeanTransport)(client, { onRequest });
    const name = "url" in queue ? queue.url.replace(/\/+$/, "") : queue.name;
    if (name.endsWith(".fifo")) {
      throw new ServerlessError(
        "QUEUE_FIFO_UNSUPPORTED",
        `${name} is a FIFO queue. This worker handles messages side by side and in any order: use a standard queue.`,
      );
    }
  }

  /** Where calls about this queue go. */
  endpoint(): Promise<URL> {
    return originOf(this.#client, this.#url);
  }

  /** The status of the endpoint's answer to an unsigned request over the client's connections. Fails when there is no answer. */
  async probe(signal: AbortSignal): Promise<number> {
    const { protocol, hostname, port } = await this.endpoint();
    const { response } = await this.#client.config.requestHandler.handle(
      new HttpRequest({ protocol, hostname, ...(port !== "" && { port: Number(port) }), path: "/" }),
      { abortSignal: signal },
    );
    (response.body as Readable).resume();
    return response.statusCode;
  }

  async describe(signal: AbortSignal): Promise<QueueDescription> {
    const { Attributes } = await this.#call(
      "GetQueueAttributes",
      { AttributeNames: ["RedrivePolicy"] },
      { signal },
    );
    const maxReceiveCount = readMaxReceiveCount(Attributes?.RedrivePolicy);
    return maxReceiveCount === undefined ? {} : { maxReceiveCount };
  }

  async receive(options: ReceiveOptions, signal: AbortSignal): Promise<ReceivedMessage[]> {
    const { Messages } = await this.#call(
      "ReceiveMessage",
      {
        MaxNumberOfMessages: options.maxMessages,
        WaitTimeSeconds: options.waitSeconds,
        VisibilityTimeout: options.visibilitySeconds,
        MessageSystemAttributeNames: ["ApproximateReceiveCount", "SentTimestamp"],
        MessageAttributeNames: ["All"],
      },
      { signal, stopping: options.stopping, waitMs: options.waitSeconds * 1000 },
    );
    const isChecked = this.#client.config.md5 !== false;
    // A message without a receipt handle can be neither deleted nor given back; it comes again on its own.
    return asArray(Messages)
      .filter((message) => typeof message?.ReceiptHandle === "string")
      .map((message) => readMessage(message, isChecked));
  }

  async delete(receiptHandles: readonly string[], signal: AbortSignal): Promise<BatchResult> {
    const Entries = receiptHandles.map((ReceiptHandle, index) => ({ Id: String(index), ReceiptHandle }));
    return readBatchResult(Entries.length, await this.#call("DeleteMessageBatch", { Entries }, { signal }));
  }

  async changeVisibility(changes: readonly VisibilityChange[], signal: AbortSignal): Promise<BatchResult> {
    const Entries = changes.map(({ receiptHandle, visibilitySeconds }, index) => ({
      Id: String(index),
      ReceiptHandle: receiptHandle,
      VisibilityTimeout: visibilitySeconds,
    }));
    return readBatchResult(
      Entries.length,
      await this.#call("ChangeMessageVisibilityBatch", { Entries }, { signal }),
    );
  }

  /** Makes one call, and stops waiting at its deadline whether or not the call obeys its signal. */
  async #call<Operation extends Exclude<SqsOperation, "GetQueueUrl">>(
    operation: Operation,
    input: Omit<Input<Operation>, "QueueUrl">,
    {
      signal,
      stopping,
      waitMs = 0,
    }: { signal: AbortSignal; stopping?: AbortSignal | undefined; waitMs?: number },
  ): Promise<Output<Operation>> {
    const limitMs = waitMs + callTimeoutMs;
    using deadline = withDeadline(limitMs, () => new QueueTimeoutError(operation, limitMs), signal);
    const signals = { signal: deadline.signal, stopping };
    const call = this.#resolveUrl(signals).then((QueueUrl) =>
      this.#transport.call(operation, { QueueUrl, ...input }, signals),
    );
    let isOpen = true;
    call.then(
      () => (isOpen = false),
      () => (isOpen = false),
    );
    try {
      return await unlessAborted(call, deadline.signal);
    } catch (error) {
      if (deadline.signal.aborted) {
        setTimeout(() => isOpen && this.#abandon(operation), abandonedAfterMs).unref();
      }
      throw error;
    }
  }

  #abandon(operation: SqsOperation): void {
    this.#observer.callAbandoned?.(operation);
    this.#log.warn({ operation }, "queue.call_abandoned");
  }

  async #resolveUrl(signals: { signal: AbortSignal; stopping: AbortSignal | undefined }): Promise<string> {
    if (this.#url !== undefined) return this.#url;
    const { name, accountId } = this.#queue as { name: string; accountId?: string };
    if (accountId !== undefined) {
      const { origin } = await serviceEndpoint(this.#client);
      return (this.#url = `${origin}/${accountId}/${name}`);
    }
    const { QueueUrl } = await this.#transport.call("GetQueueUrl", { QueueName: name }, signals);
    // A client with a custom endpoint never uses the URL's host, which need not be valid: fauxqs at 127.0.0.1 answers
    // http://sqs.eu-west-1.127.0.0.1/...
    const isUsable = this.#client.config.endpoint !== undefined || URL.canParse(QueueUrl ?? "");
    if (typeof QueueUrl !== "string" || QueueUrl === "" || !isUsable) {
      throw new QueueAnswerError("the answer to GetQueueUrl has no URL");
    }
    return (this.#url = QueueUrl);
  }
}

/** Whether the client has custom middleware, which its owner expects to run. */
function isCustomised(client: SQSClient): boolean {
  const plain = new SQSClient({ region: "us-east-1" });
  const hasOwnMiddleware =
    client.middlewareStack?.identify().join() !== plain.middlewareStack.identify().join();
  const { metadata } = client.config?.requestHandler ?? {};
  return hasOwnMiddleware || metadata?.handlerProtocol !== "http/1.1";
}

function readMessage(message: SqsMessage, isChecked: boolean): ReceivedMessage {
  const sentAt = Number(message.Attributes?.SentTimestamp);
  const receiveCount = Number(message.Attributes?.ApproximateReceiveCount);
  const fault = faultOf(message, isChecked);
  return {
    id: message.MessageId ?? "",
    receiptHandle: message.ReceiptHandle ?? "",
    body: message.Body ?? "",
    receiveCount: receiveCount >= 1 ? receiveCount : 1,
    attributes: Object.fromEntries(
      Object.entries(message.MessageAttributes ?? {}).flatMap(([name, attribute]) =>
        typeof attribute?.StringValue === "string" ? [[name, attribute.StringValue]] : [],
      ),
    ),
    ...(sentAt > 0 && { sentAt }),
    ...(fault !== undefined && { fault }),
  };
}

function faultOf({ Body, MD5OfBody }: SqsMessage, isChecked: boolean): string | undefined {
  if (typeof Body !== "string") return "It has no body.";
  if (!isChecked || MD5OfBody === undefined) return undefined;
  const digest = md5(Body);
  if (digest === undefined || digest === MD5OfBody) return undefined;
  return `The MD5 of its body is ${digest}, not ${MD5OfBody}.`;
}

/** Undefined where MD5 is unavailable, as in FIPS mode. */
function md5(text: string): string | undefined {
  try {
    return hash("md5", text);
  } catch {
    return undefined;
  }
}

function readMaxReceiveCount(policy: string | undefined): number | undefined {
  try {
    const { maxReceiveCount } = JSON.parse(policy ?? "{}") as { maxReceiveCount?: number | string };
    const count = Number(maxReceiveCount);
    return count >= 1 ? count : undefined;
  } catch (cause) {
    throw new QueueAnswerError("the queue's redrive policy is not JSON", cause);
  }
}

interface BatchAnswer {
  readonly Successful?: readonly { readonly Id: string | undefined }[] | undefined;
  readonly Failed?: readonly FailedEntry[] | undefined;
}

interface FailedEntry {
  readonly Id: string | undefined;
  readonly Code: string | undefined;
  readonly Message?: string | undefined;
  readonly SenderFault: boolean | undefined;
}

const unanswered: EntryFailure = {
  code: "Unanswered",
  reason: "the queue did not say what became of it",
  isFinal: false,
};

/** An entry has succeeded only if the answer says so; one that it does not mention has failed. */
function readBatchResult(length: number, { Successful, Failed }: BatchAnswer): BatchResult {
  const result: (EntryFailure | undefined)[] = Array.from({ length }, () => unanswered);
  for (const entry of asArray(Successful)) result[Number(entry?.Id)] = undefined;
  for (const entry of asArray(Failed)) {
    const { Id, Code = "Unknown", Message, SenderFault } = entry;
    result[Number(Id)] = { code: Code, reason: Message ?? Code, isFinal: SenderFault ?? false };
  }
  return result;
}

/** The SDK's types say what should arrive from the network, not what does. */
function asArray<Item>(value: readonly Item[] | undefined): readonly Item[] {
  return Array.isArray(value) ? value : [];
}
