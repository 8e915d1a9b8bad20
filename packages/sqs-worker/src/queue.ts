export interface ReceivedMessage {
  readonly id: string;
  readonly receiptHandle: string;
  readonly body: string;
  readonly receiveCount: number;
  readonly attributes: Readonly<Record<string, string>>;
  /** Epoch ms. */
  readonly sentAt?: number;
  /** Why the message cannot be trusted: its checksum is wrong, for example. It fails without being handled. */
  readonly fault?: string;
}

export interface ReceiveOptions {
  /** 1 to 10. */
  readonly maxMessages: number;
  /** How long the queue may hold an unanswered call while it is empty; 20 at most. */
  readonly waitSeconds: number;
  readonly visibilitySeconds: number;
  /** Ends a call that has not reached the queue yet. One that has may bring messages, and is allowed to. */
  readonly stopping?: AbortSignal;
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
