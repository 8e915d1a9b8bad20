export type { CloudEvent } from "./cloud-event.ts";
export { openEnvelope } from "./envelope.ts";
export { HandlerTimeoutError, LeaseLostError, MessageRejectedError, WorkerStoppingError } from "./errors.ts";
export type { Handler, HandlerContext, Message } from "./message.ts";
export type { WorkerObserver } from "./observer.ts";
export { classify, type QueueOperation, type QueueState } from "./queue-condition.ts";
export {
  type BatchResult,
  type EntryFailure,
  type Queue,
  type QueueDescription,
  type ReceivedMessage,
  type ReceiveOptions,
  SqsQueue,
  type SqsQueueOptions,
  type VisibilityChange,
} from "./queue.ts";
export type { TraceContext } from "./trace-context.ts";
export type { Worker, WorkerOptions } from "./worker-options.ts";
export { createWorker } from "./worker.ts";
