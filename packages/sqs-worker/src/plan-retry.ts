import { type Backoff, backoffMs } from "./backoff.ts";
import { MessageRejectedError } from "./errors.ts";

export interface FailedDelivery {
  readonly receiveCount: number;
  readonly retryDelay: Backoff;
  /** After how many receives the queue moves a message to its dead-letter queue; absent without one, or where that is not known. */
  readonly maxReceiveCount?: number;
}

export interface RetryPlan {
  /** The queue moves the message to its dead-letter queue when it is next asked for it. */
  readonly isLast: boolean;
  readonly retryInSeconds: number;
}

/** Decides when a message that failed may come again. */
export function planRetry(
  error: unknown,
  { receiveCount, retryDelay, maxReceiveCount }: FailedDelivery,
): RetryPlan {
  if (maxReceiveCount !== undefined && receiveCount >= maxReceiveCount)
    return { isLast: true, retryInSeconds: 0 };
  const delayMs = () => {
    if (!(error instanceof MessageRejectedError)) return backoffMs(receiveCount, retryDelay);
    // What can never be handled hurries to the dead-letter queue; without one it would come round for ever.
    return maxReceiveCount === undefined ? retryDelay.maxMs : 0;
  };
  return { isLast: false, retryInSeconds: Math.round(delayMs() / 1000) };
}
