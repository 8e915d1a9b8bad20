export interface ReceivedMessage {
  readonly id: string;
  readonly receiptHandle: string;
  readonly body: string;
  readonly receiveCount: number;
  readonly attributes: Readonly<Record<string, string>>;
  /** Epoch ms. */
  readonly sentAt?: number;
  /** Why the message cannot be trusted, such as a wrong checksum. It then fails without being handled. */
  readonly fault?: string;
}

export interface ReceiveOptions {
  /** 1 to 10. */
  readonly maxMessages: number;
  /** How long the queue may hold the call while it is empty; 20 at most. */
  readonly waitSeconds: number;
  readonly visibilitySeconds: number;
  /** Aborts a call that has not been sent yet. One that has may bring messages and is left to finish. */
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

/** The failures in a batch, by the entry's position; no element where an entry succeeded. */
export type BatchResult = readonly (EntryFailure | undefined)[];

export interface QueueDescription {
  /** Number of receives after which the queue dead-letters a message; absent without a dead-letter queue. */
  readonly maxReceiveCount?: number;
}

/** What a worker needs from a queue. Every call has its own deadline, and throws when it fails as a whole. */
export interface Queue {
  describe(signal: AbortSignal): Promise<QueueDescription>;
  receive(options: ReceiveOptions, signal: AbortSignal): Promise<ReceivedMessage[]>;
  /** At most 10 receipt handles. */
  delete(receiptHandles: readonly string[], signal: AbortSignal): Promise<BatchResult>;
  /** At most 10 changes. */
  changeVisibility(changes: readonly VisibilityChange[], signal: AbortSignal): Promise<BatchResult>;
}
