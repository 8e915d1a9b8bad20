import { encodeFrames, pdk } from "@kong-serverless/kong-protocol";
import { type Log, ServerlessError } from "@kong-serverless/runtime";

import type { ExitAnswer } from "./failure-answer.ts";
import { createKong, type KongCalls } from "./kong.ts";
import { type NamedMethod, namedMethod } from "./named-method.ts";
import type { Phase, PluginInstance } from "./plugin-module.ts";

const exit = namedMethod("kong.response.exit", pdk.response.exit);
/** Needs no request, so it works in every phase, and is as cheap as a call can be. */
const heartbeat = namedMethod("kong.nginx.get_subsystem", pdk.nginx.getSubsystem);

interface PdkCall {
  readonly method: NamedMethod;
  readonly payload: Uint8Array;
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: unknown) => void;
}

export interface PluginEventOptions {
  readonly phase: Phase;
  /** After this many ms without traffic a PDK call is made; a call that Kong leaves unanswered that long is given up. */
  readonly heartbeatMs: number;
  /** Aborts when the server is being stopped. */
  readonly stopping: AbortSignal;
  /** What a request whose handler failed is answered. */
  readonly failureAnswer: ExitAnswer;
  readonly log: Log;
  readonly send: (bytes: Buffer) => void;
  /** The event is over on the wire, by return or by exit. */
  readonly onEnd: (how: "returned" | "exited") => void;
  /** Kong left a call unanswered. */
  readonly onUnanswered: () => void;
}

/**
 * One event that a plugin handles, and its PDK calls. Kong reads and answers them one after another, and answers do not
 * name their calls: calls that the plugin makes at once go out at once, and their answers come in the same order.
 */
export class PluginEvent implements KongCalls {
  readonly #options: PluginEventOptions;
  /** Set only while the event waits for something: most end before they could. */
  #timer: NodeJS.Timeout | undefined;
  readonly #queue: PdkCall[] = [];
  /** Sent, in the order in which Kong answers them. */
  readonly #unanswered: PdkCall[] = [];
  #controller?: AbortController;
  /** Whether PDK calls are still taken: until the handler is done, or has called `exit`. */
  #isOpen = true;
  #isEnded = false;
  #isHandlerDone = false;

  constructor(options: PluginEventOptions) {
    this.#options = options;
  }

  get signal(): AbortSignal {
    this.#controller ??= new AbortController();
    return this.#controller.signal;
  }

  get isStopping(): boolean {
    return this.#options.stopping.aborted;
  }

  /** Runs the plugin's handler. `onSettled` is called when it is done, which may be long after the event has ended. */
  run(plugin: PluginInstance, onSettled: () => void): void {
    const onDone = () => {
      onSettled();
      this.finish();
    };
    const onFailure = (error: unknown) => {
      onSettled();
      this.#onFailure(error);
    };
    try {
      const running = plugin[this.#options.phase]?.(createKong(this));
      if (!(running instanceof Promise)) return onDone();
      if (!this.#isEnded) this.#awaitTraffic();
      running.then(onDone, onFailure);
    } catch (error) {
      onFailure(error);
    }
  }

  call(method: NamedMethod, args: unknown[]): Promise<unknown> {
    const promise = new Promise((resolve, reject) => {
      if (!this.#isOpen) throw callFailed(method, "the event has ended");
      const payload = method.method.arguments.encode(args);
      if (method.method === exit.method) this.#isOpen = false;
      // What is called within one turn of the plugin's code travels in one write.
      if (this.#queue.push({ method, payload, resolve, reject }) === 1)
        queueMicrotask(() => this.#sendQueued());
    });
    // A plugin need not await what it only tells Kong (a log line), so the failure of such a call must not end the process.
    promise.catch(() => {});
    return promise;
  }

  /** Takes the result of the call that waits for one; false when none does. */
  receive(result: Uint8Array): boolean {
    const call = this.#unanswered.shift();
    if (!call) return false;
    this.#awaitTraffic();
    try {
      call.resolve(call.method.method.result.decode(result));
    } catch (error) {
      call.reject(callFailed(call.method, "Kong's answer cannot be read", error));
    }
    this.#sendQueued();
    return true;
  }

  /** Ends the event once the calls under way are answered. */
  finish(): void {
    this.#isOpen = false;
    this.#isHandlerDone = true;
    this.#sendQueued();
  }

  /** Ends the event with an answer, where its phase can give one, unless the plugin has ended it already. */
  answer({ status, body, headers }: ExitAnswer): void {
    const canExit = this.#isOpen && this.#options.phase !== "log" && this.#options.phase !== "certificate";
    if (canExit) void this.call(exit, [status, body, headers]);
    this.finish();
  }

  /** The connection has gone: nothing more can be said. */
  lose(): void {
    if (this.#isEnded) return;
    this.#close();
    const error = new ServerlessError("PDK_CALL_FAILED", "Kong closed the connection of this event.");
    for (const call of [...this.#unanswered, ...this.#queue]) call.reject(error);
    this.#controller ??= new AbortController();
    this.#controller.abort(error);
  }

  #sendQueued(): void {
    if (this.#isEnded) return;
    const last = this.#queue.at(-1);
    const exitCall = last?.method.method === exit.method ? this.#queue.pop() : undefined;
    this.#sendAll(this.#queue.splice(0));
    if (this.#unanswered.length > 0) {
      if (exitCall) this.#queue.push(exitCall);
    } else if (exitCall) {
      this.#options.send(encodeFrames(exitCall.method.nameBytes, exitCall.payload));
      // Kong does not answer an exit, and accepts nothing after it.
      this.#end("exited");
      exitCall.resolve(undefined);
    } else if (this.#isHandlerDone) {
      this.#end("returned");
    }
  }

  #sendAll(calls: readonly PdkCall[]): void {
    if (calls.length === 0) return;
    this.#unanswered.push(...calls);
    this.#options.send(encodeFrames(...calls.flatMap(({ method, payload }) => [method.nameBytes, payload])));
    this.#awaitTraffic();
  }

  #onFailure(error: unknown): void {
    const { log, phase, failureAnswer } = this.#options;
    if (this.#isEnded) {
      // Most often the handler's own way to stop when the client has left.
      log.debug({ phase, error }, "plugin.failed_after_end");
      return;
    }
    log.error({ phase, error }, "plugin.failed");
    this.answer(failureAnswer);
  }

  #awaitTraffic(): void {
    if (this.#timer) this.#timer.refresh();
    else this.#timer = setTimeout(() => this.#onQuiet(), this.#options.heartbeatMs);
  }

  #onQuiet(): void {
    const [call] = this.#unanswered;
    if (!call) return void this.call(heartbeat, []);
    // After a stall of the whole process timers run first: the answer may be in the socket, and is read before this.
    setImmediate(() => {
      if (!this.#isEnded && this.#unanswered[0] === call) this.#options.onUnanswered();
    });
  }

  #end(how: "returned" | "exited"): void {
    this.#close();
    this.#options.onEnd(how);
  }

  #close(): void {
    this.#isEnded = true;
    this.#isOpen = false;
    clearTimeout(this.#timer);
  }
}

function callFailed(method: NamedMethod, why: string, cause?: unknown): ServerlessError {
  return new ServerlessError("PDK_CALL_FAILED", `${method.name}: ${why}.`, { cause });
}
