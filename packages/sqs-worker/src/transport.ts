import type {
  ChangeMessageVisibilityBatchCommandInput,
  ChangeMessageVisibilityBatchCommandOutput,
  DeleteMessageBatchCommandInput,
  DeleteMessageBatchCommandOutput,
  GetQueueAttributesCommandInput,
  GetQueueAttributesCommandOutput,
  GetQueueUrlCommandInput,
  GetQueueUrlCommandOutput,
  ReceiveMessageCommandInput,
  ReceiveMessageCommandOutput,
} from "@aws-sdk/client-sqs";

/** The operations of SQS that a worker needs, with what each takes and answers. */
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
/** An answer as it came: of another process, so anything may be missing. */
export type Output<Operation extends SqsOperation> = Omit<SqsOperations[Operation][1], "$metadata">;

export interface CallSignals {
  /** Ends the call. */
  readonly signal: AbortSignal;
  /** Ends the call as long as it has not been sent. */
  readonly stopping: AbortSignal | undefined;
}

/** One way to make calls to SQS. Throws errors with a `name` and, when there was an answer, an HTTP status in `$metadata`, as the SDK does. */
export interface SqsTransport {
  call<Operation extends SqsOperation>(
    operation: Operation,
    input: Input<Operation>,
    signals: CallSignals,
  ): Promise<Output<Operation>>;
}

export interface TransportOptions {
  /** Called for each request that is sent, retries included: what SQS charges for. */
  readonly onRequest: (operation: SqsOperation) => void;
}
