import type { Log } from "@kong-serverless/runtime";

/** A message as a handler sees it: taken out of its envelopes, with everything that was written on them. */
export interface Message {
  /** The id that SQS gave it; the same on every delivery of this message. */
  readonly id: string;
  /** Names the work itself: the id of the CloudEvent, else of the SNS notification, else of the SQS message. */
  readonly idempotencyKey: string;
  /**
   * The innermost payload: parsed where it is JSON, else a string, else the bytes of a binary CloudEvent. JavaScript's numbers
   * hold 53 bits; larger integers are exact in `text`.
   */
  readonly data: unknown;
  /** The innermost payload as text, exactly as it was sent. */
  readonly text: string;
  /** The body on the queue, untouched. */
  readonly body: string;
  /** Set when the payload was in a CloudEvent. */
  readonly event?: CloudEvent;
  /** Set when the payload came through SNS. */
  readonly topicArn?: string;
  /** Message attributes with a text value; those of the SNS envelope win over the queue's. */
  readonly attributes: Readonly<Record<string, string>>;
  readonly trace?: TraceContext;
  /** 1 on the first delivery. SQS's count is approximate. */
  readonly receiveCount: number;
  /** Epoch ms. */
  readonly sentAt?: number;
}

/** A CloudEvent in structured JSON form: its attributes and extensions as they are, its data decoded. */
export interface CloudEvent {
  readonly specversion: string;
  readonly id: string;
  readonly source: string;
  readonly type: string;
  readonly datacontenttype?: string;
  readonly data?: unknown;
  readonly [extension: string]: unknown;
}

/** Where the work stands in a distributed trace. https://www.w3.org/TR/trace-context/ */
export interface TraceContext {
  readonly traceparent: string;
  readonly tracestate?: string;
}

export interface HandlerContext {
  /** Aborts at the handler's time limit, when the message is lost to another worker, and when the grace period ends. */
  readonly signal: AbortSignal;
  readonly log: Log;
  /** Throws. The message can never be handled: it goes to the dead-letter queue, if there is one, without further backoff. */
  readonly reject: (reason: string, cause?: unknown) => never;
}

/** Returns when the work is done; the message is then deleted. Throws when it is not; the message then comes again later. */
export type Handler = (message: Message, context: HandlerContext) => Promise<void> | void;

/** Told what a worker does, for metrics. No method may throw. */
export interface WorkerObserver {
  received?(messages: number): void;
  handled?(durationMs: number): void;
  /** `code` is one of the codes in docs/errors.md: a bounded set. */
  failed?(code: string, durationMs: number): void;
  /** A handler kept running after its signal aborted, and its slot was given to another. */
  handlerAbandoned?(): void;
  /** Messages given back unhandled because the worker is stopping. */
  returned?(messages: number): void;
  deadLettered?(): void;
  deleted?(): void;
  callFailed?(operation: string, state: string): void;
}
