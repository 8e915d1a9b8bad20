import type { Log } from "@kong-serverless/runtime";

/** A message as a handler sees it: out of its envelopes, with everything that was written on them. */
export interface Message {
  /** The id that SQS gave it; the same on every delivery of this message. */
  readonly id: string;
  /** Names the work itself: the id of the CloudEvent, else of the SNS notification, else of the SQS message. */
  readonly idempotencyKey: string;
  /**
   * The innermost payload: parsed where it is JSON, else a string, else the bytes of a binary CloudEvent. JavaScript's numbers
   * hold 53 bits: an exact larger one is in `text`.
   */
  readonly data: unknown;
  /** The innermost payload as text, exactly as it was sent. */
  readonly text: string;
  /** What lay on the queue, untouched. */
  readonly body: string;
  /** Set when the payload came in a CloudEvent. */
  readonly event?: CloudEvent;
  /** Set when the payload came through SNS. */
  readonly topicArn?: string;
  /** Message attributes with a text value; the envelope's (SNS) win over the queue's. */
  readonly attributes: Readonly<Record<string, string>>;
  readonly trace?: TraceContext;
  /** 1 on the first delivery. SQS counts approximately. */
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
  /** Aborts at the handler's time limit, when the message has become another worker's, and when the grace period ends. */
  readonly signal: AbortSignal;
  readonly log: Log;
  /** Throws: this message can never be handled. It goes to the dead-letter queue, if there is one, without further backoff. */
  readonly reject: (reason: string, cause?: unknown) => never;
}

/** Returns when the work is done: the message is then deleted. Throws when it is not: the message comes again, later. */
export type Handler = (message: Message, context: HandlerContext) => Promise<void> | void;

/** Hears what a worker does, for metrics. No method may throw. */
export interface WorkerObserver {
  received?(messages: number): void;
  handled?(durationMs: number): void;
  /** `code` is one of the codes in docs/errors.md: a bounded set. */
  failed?(code: string, durationMs: number): void;
  /** A handler did not end although its signal had aborted; its slot was given to another. */
  handlerAbandoned?(): void;
  /** Given back unhandled, because the worker stops. */
  returned?(messages: number): void;
  deadLettered?(): void;
  deleted?(): void;
  callFailed?(operation: string, state: string): void;
}
