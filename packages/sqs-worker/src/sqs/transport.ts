import {
  type ChangeMessageVisibilityBatchCommandInput,
  type ChangeMessageVisibilityBatchCommandOutput,
  type DeleteMessageBatchCommandInput,
  type DeleteMessageBatchCommandOutput,
  type GetQueueAttributesCommandInput,
  type GetQueueAttributesCommandOutput,
  type GetQueueUrlCommandInput,
  type GetQueueUrlCommandOutput,
  type ReceiveMessageCommandInput,
  type ReceiveMessageCommandOutput,
  type SQSClient,
} from "@aws-sdk/client-sqs";
import { unlessAborted, withDeadline } from "@kong-serverless/runtime";

import { QueueCredentialsError } from "../errors.ts";

/** The SQS operations that a worker needs, with their inputs and outputs. */
interface SqsOperations {
  readonly ReceiveMessage: [ReceiveMessageCommandInput, ReceiveMessageCommandOutput];
  readonly DeleteMessageBatch: [DeleteMessageBatchCommandInput, DeleteMessageBatchCommandOutput];
  readonly ChangeMessageVisibilityBatch: [
    ChangeMessageVisibilityBatchCommandInput,
    ChangeMessageVisibilityBatchCommandOutput,
  ];
  readonly GetQueueAttributes: [GetQueueAttributesCommandInput, GetQueueAttributesCommandOutput];
  readonly GetQueueUrl: [GetQueueUrlCommandInput, GetQueueUrlCommandOutput];
}

export type SqsOperation = keyof SqsOperations;
export type Input<Operation extends SqsOperation> = SqsOperations[Operation][0];
/** An answer as it arrived from another process: anything may be missing. */
export type Output<Operation extends SqsOperation> = Omit<SqsOperations[Operation][1], "$metadata">;

export interface CallSignals {
  /** Ends the call. */
  readonly signal: AbortSignal;
  /** Ends the call if it has not been sent yet. */
  readonly stopping: AbortSignal | undefined;
}

/** A way to call SQS. Throws errors with a `name` and, if there was an answer, an HTTP status in `$metadata`, as the SDK does. */
export interface SqsTransport {
  call<Operation extends SqsOperation>(
    operation: Operation,
    input: Input<Operation>,
    signals: CallSignals,
  ): Promise<Output<Operation>>;
}

export interface TransportOptions {
  /** Called for each request sent, including retries: what SQS charges for. */
  readonly onRequest: (operation: SqsOperation) => void;
}

type Identity = Awaited<ReturnType<SQSClient["config"]["credentials"]>>;

/** Enough for two requests to a token service, and short enough that a failure shows within 15 s. */
const limitMs = 8000;
/** The client renews credentials minutes before they expire, so asking it this seldom misses nothing. */
const maxAgeMs = 5000;

/**
 * A client's credentials, within a deadline: the SDK neither limits the time to get them nor takes an abort signal. Every method
 * fails with a QueueCredentialsError, or with the reason of the signal that aborted.
 */
export class Credentials {
  readonly #client: SQSClient;
  #last: { readonly identity: Identity; readonly askedAt: number } | undefined;

  constructor(client: SQSClient) {
    this.#client = client;
  }

  async get(signals: CallSignals): Promise<Identity> {
    const last = this.#last;
    if (last !== undefined && performance.now() - last.askedAt < maxAgeMs) return last.identity;
    return this.#ask(signals);
  }

  /** Makes the client get new ones even though it considers the current ones valid. */
  async refresh(signals: CallSignals): Promise<void> {
    await this.#ask(signals, { forceRefresh: true });
  }

  async #ask(
    { signal, stopping }: CallSignals,
    options?: { readonly forceRefresh: boolean },
  ): Promise<Identity> {
    using deadline = withDeadline(limitMs, () => new Error(`no credentials within ${limitMs} ms`), signal);
    const either = stopping === undefined ? deadline.signal : AbortSignal.any([deadline.signal, stopping]);
    const askedAt = performance.now();
    try {
      const identity = await unlessAborted(this.#client.config.credentials(options), either);
      this.#last = { identity, askedAt };
      return identity;
    } catch (error) {
      this.#last = undefined;
      signal.throwIfAborted();
      stopping?.throwIfAborted();
      throw new QueueCredentialsError(error);
    }
  }
}

/**
 * Where calls about a queue go: to the client's custom endpoint if it has one, else to the host in the queue's URL. Paths and trailing
 * slashes in the URL do not matter, since SQS's JSON protocol has a single path.
 */
export async function originOf(client: SQSClient, queueUrl: string | undefined): Promise<URL> {
  const { config } = client;
  if (queueUrl !== undefined && config.endpoint === undefined && config.useQueueUrlAsEndpoint) {
    return new URL(new URL(queueUrl).origin);
  }
  return serviceEndpoint(client);
}

/** The client's endpoint: as configured, else that of its region, in any partition. */
export async function serviceEndpoint(client: SQSClient): Promise<URL> {
  const { config } = client;
  if (config.endpoint !== undefined) {
    const { protocol, hostname, port } = await config.endpoint();
    return new URL(`${protocol}//${hostname}${port === undefined ? "" : `:${port}`}`);
  }
  const configured = await config.serviceConfiguredEndpoint?.();
  if (configured !== undefined) return new URL(new URL(configured).origin);
  const { url } = config.endpointProvider({
    Region: await config.region(),
    UseDualStack: await config.useDualstackEndpoint(),
    UseFIPS: await config.useFipsEndpoint(),
  });
  return url;
}
