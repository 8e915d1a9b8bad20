/** Hears what a worker does, for metrics. No method may throw. */
export interface WorkerObserver {
  received?(messages: number): void;
  handled?(durationMs: number): void;
  /** `code` is one of the codes in docs/errors.md: a bounded set. */
  failed?(code: string, durationMs: number): void;
  /** Given back unhandled, because the worker stops. */
  returned?(messages: number): void;
  deadLettered?(): void;
  deleted?(): void;
  callFailed?(operation: string, state: string): void;
}
