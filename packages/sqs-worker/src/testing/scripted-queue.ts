import { sleep } from "@kong-serverless/runtime";

import type {
  BatchResult,
  EntryFailure,
  Queue,
  QueueDescription,
  ReceivedMessage,
  ReceiveOptions,
  VisibilityChange,
} from "../queue.ts";

type Operation = keyof Queue;

/** An in-memory queue for tests that fails on request, which the emulator cannot do. */
export class ScriptedQueue implements Queue {
  description: QueueDescription = {};
  readonly receives: ReceiveOptions[] = [];
  readonly deleted: string[] = [];
  readonly changes: VisibilityChange[] = [];
  /** Failures of single receipt handles in batches, in order; after these they succeed. */
  readonly refusals = new Map<string, EntryFailure[]>();
  /** Receive calls waiting for messages. */
  polling = 0;
  readonly #ready: ReceivedMessage[] = [];
  readonly #failures = new Map<Operation, Error[]>();
  #wake = Promise.withResolvers<void>();

  add(...ids: readonly string[]): void {
    for (const id of ids) this.addMessage({ id });
  }

  addMessage({
    id,
    body = id,
    receiveCount = 1,
    fault,
  }: {
    id: string;
    body?: string;
    receiveCount?: number;
    fault?: string;
  }): void {
    const receiptHandle = `${id}#${receiveCount}`;
    this.#ready.push({ id, body, receiveCount, receiptHandle, attributes: {}, ...(fault && { fault }) });
    this.#wake.resolve();
    this.#wake = Promise.withResolvers();
  }

  /** The next `times` calls of the operation fail. */
  fail(operation: Operation, error: Error, times = 1): void {
    const failures = this.#failures.get(operation) ?? [];
    this.#failures.set(operation, [...failures, ...Array.from({ length: times }, () => error)]);
  }

  recover(operation: Operation): void {
    this.#failures.delete(operation);
  }

  async describe(): Promise<QueueDescription> {
    this.#failIfTold("describe");
    return this.description;
  }

  async receive(options: ReceiveOptions, signal: AbortSignal): Promise<ReceivedMessage[]> {
    this.receives.push(options);
    this.#failIfTold("receive");
    if (this.#ready.length === 0) {
      this.polling += 1;
      const isOver = new AbortController();
      const ended = sleep(options.waitSeconds * 1000, AbortSignal.any([signal, isOver.signal]));
      await Promise.race([this.#wake.promise, ended]).finally(() => {
        this.polling -= 1;
        isOver.abort();
        ended.catch(() => {});
      });
    }
    return this.#ready.splice(0, options.maxMessages);
  }

  async delete(receiptHandles: readonly string[]): Promise<BatchResult> {
    this.#failIfTold("delete");
    return receiptHandles.map((handle) => {
      const refusal = this.refusals.get(handle)?.shift();
      if (refusal === undefined) this.deleted.push(handle);
      return refusal;
    });
  }

  async changeVisibility(changes: readonly VisibilityChange[]): Promise<BatchResult> {
    this.#failIfTold("changeVisibility");
    return changes.map((change) => {
      const refusal = this.refusals.get(change.receiptHandle)?.shift();
      if (refusal === undefined) this.changes.push(change);
      return refusal;
    });
  }

  #failIfTold(operation: Operation): void {
    const failure = this.#failures.get(operation)?.shift();
    if (failure !== undefined) throw failure;
  }
}

/** An error as the SDK throws it. */
export function sdkError(name: string, httpStatusCode?: number): Error {
  return Object.assign(new Error(name), {
    name,
    $metadata: httpStatusCode === undefined ? {} : { httpStatusCode },
  });
}
