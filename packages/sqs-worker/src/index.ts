export { openEnvelope } from "./envelope.ts";
export { HandlerTimeoutError, LeaseLostError, MessageRejectedError, WorkerStoppingError } from "./errors.ts";
export type {
  CloudEvent,
  Handler,
  HandlerContext,
  Message,
  TraceContext,
  WorkerObserver,
} from "./message.ts";
export { classify, type QueueOperation, type QueueState } from "./queue-condition.ts";
export type {
  BatchResult,
  EntryFailure,
  Queue,
  QueueDescription,
  ReceivedMessage,
  ReceiveOptions,
  VisibilityChange,
} from "./queue.ts";
export { SqsQueue, type SqsObserver, type SqsQueueOptions } from "./sqs/sqs-queue.ts";
export { ThreadHandler, type ThreadHandlerOptions } from "./thread/thread-handler.ts";
export type { SqsOperation } from "./sqs/transport.ts";
export { createWorker, type Worker, type WorkerOptions } from "./worker.ts";
