import { Worker as Thread } from "node:worker_threads";

import { HandlerCrashedError, MessageRejectedError } from "../errors.ts";
import type { Handler, HandlerContext, Message } from "../message.ts";
import { reasonOf } from "../reason.ts";
import type { FromThread, ToThread } from "./handler-thread.ts";

export interface ThreadHandlerOptions {
  /** URL of the module that exports `handler`. */
  readonly module: string;
  /** URL of `@kong-serverless/sqs-worker/handler-thread`, for bundles; beside this file unless given. */
  readonly entry?: URL;
}

/** How long a handler may keep running after its signal aborts. Its thread then ends, before the worker would give its slot away. */
const endAfterMs = 2000;

const besideThisFile = new URL(
  import.meta.url.endsWith(".ts") ? "handler-thread.ts" : "handler-thread.js",
  import.meta.url,
);

/**
 * Runs a module's handler in worker threads, one message in each at a time: a handler that blocks, runs out of memory, exits or
 * never ends costs only its own message and a thread. There are as many threads as messages in progress.
 */
export class ThreadHandler implements AsyncDisposable {
  readonly #options: ThreadHandlerOptions;
  readonly #idle: HandlerThread[] = [];
  readonly #all = new Set<HandlerThread>();

  constructor(options: ThreadHandlerOptions) {
    this.#options = options;
  }

  /** For `createWorker`. */
  readonly handler: Handler = async (message, context) => {
    const thread = this.#idle.pop() ?? this.#start();
    try {
      await thread.handle(message, context);
    } finally {
      if (thread.isUsable) this.#idle.push(thread);
      else this.#all.delete(thread);
    }
  };

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#all].map((thread) => thread.end()));
  }

  #start(): HandlerThread {
    const { module, entry = besideThisFile } = this.#options;
    const thread = new HandlerThread(new Thread(entry, { workerData: { module } }));
    this.#all.add(thread);
    return thread;
  }
}

/** One thread and the call that is waiting for it. */
class HandlerThread {
  readonly #thread: Thread;
  #isUsable = true;
  #waiting: { resolve: () => void; reject: (error: unknown) => void; context: HandlerContext } | undefined;

  constructor(thread: Thread) {
    this.#thread = thread;
    thread.on("message", (told: FromThread) => this.#hear(told));
    thread.on("error", (error) =>
      this.#crash(new HandlerCrashedError(`Its thread ended: ${reasonOf(error)}`, error)),
    );
    thread.on("exit", (code) => this.#crash(new HandlerCrashedError(`Its thread ended with code ${code}.`)));
  }

  /** Whether it can take another message. */
  get isUsable(): boolean {
    return this.#isUsable;
  }

  handle(message: Message, context: HandlerContext): Promise<void> {
    const { signal } = context;
    let timer: NodeJS.Timeout | undefined;
    const onAbort = () => {
      this.#tell({ kind: "abort", reason: reasonOf(signal.reason) });
      timer = setTimeout(() => void this.end(), endAfterMs);
    };
    signal.addEventListener("abort", onAbort, { once: true });
    return new Promise<void>((resolve, reject) => {
      this.#waiting = { resolve, reject, context };
      this.#tell({ kind: "handle", message });
    }).finally(() => {
      clearTimeout(timer);
      signal.removeEventListener("abort", onAbort);
      this.#waiting = undefined;
    });
  }

  async end(): Promise<void> {
    this.#isUsable = false;
    await this.#thread.terminate();
  }

  #tell(message: ToThread): void {
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has none
    this.#thread.postMessage(message);
  }

  #hear(told: FromThread): void {
    switch (told.kind) {
      case "log":
        this.#waiting?.context.log[told.level](told.fields, told.event);
        break;
      case "done":
        this.#waiting?.resolve();
        break;
      case "failed":
        this.#waiting?.reject(
          told.isRejection ? new MessageRejectedError(told.reason) : new Error(told.reason),
        );
        break;
    }
  }

  #crash(error: HandlerCrashedError): void {
    this.#isUsable = false;
    this.#waiting?.reject(error);
  }
}
