import type { Log } from "@kong-serverless/runtime";

import type { Handler } from "./message.ts";
import type { WorkerObserver } from "./observer.ts";
import type { Queue } from "./queue.ts";

export interface WorkerOptions {
  readonly queue: Queue;
  readonly handler: Handler;
  /** Handlers at work at once, 1 to 1,000; 10 unless given. */
  readonly concurrency?: number;
  /** Receive calls under way at once; one for each 10 of `concurrency`, at most 16, unless given. */
  readonly maxPollers?: number;
  /** Work off this many messages, or what there is of them, and end; no end unless given. */
  readonly maxMessages?: number;
  /** Length of a long poll, 1 to 20; 5 unless given. An idle worker takes up to this long to stop. */
  readonly waitSeconds?: number;
  /** For how long a message in work is hidden from other workers; extended as long as its handler runs. 60 unless given. */
  readonly visibilitySeconds?: number;
  /** How long a handler may take for one message; 300,000 unless given. */
  readonly handlerTimeoutMs?: number;
  /** Delay before a failed message's first retry, doubled with every further receive; 1,000 unless given. */
  readonly retryDelayMs?: number;
  /** The longest delay before a retry; 300,000 unless given. */
  readonly maxRetryDelayMs?: number;
  readonly log?: Log;
  readonly observer?: WorkerObserver;
}

/** Receives, handles and deletes messages until it is stopped. */
export interface Worker {
  /** Resolves when the work is at its end: after a stop, or with the last of `maxMessages`. Never rejects. */
  start(): Promise<void>;
  /**
   * Receives nothing more, lets handlers finish and gives back what is unfinished shortly before `graceMs` have
   * passed. Resolves when every message is deleted or given back, at the latest after `graceMs`. Never throws.
   */
  stop(options: { graceMs: number }): Promise<void>;
  /** Names what keeps the worker from working; empty when nothing does. */
  notReady(): readonly string[];
  /** Messages whose handlers have not ended. */
  readonly inProgress: number;
  /** Epoch ms at which the oldest message in progress was sent. */
  readonly oldestSentAt: number | undefined;
}
