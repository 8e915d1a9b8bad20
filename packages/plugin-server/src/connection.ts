import type { Socket } from "node:net";

import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import {
  encodeEndOfEvent,
  encodeFrames,
  FrameDecoder,
  type HandleEvent,
  RpcCallSchema,
  RpcReturnSchema,
} from "@kong-serverless/kong-protocol";
import type { Log } from "@kong-serverless/runtime";

import { type ExitAnswer, failureAnswer } from "./failure-answer.ts";
import type { Instances } from "./instances.ts";
import { PluginEvent } from "./plugin-event.ts";
import { type Phase, phases } from "./plugin-module.ts";
import type { Rpc, RpcResult } from "./rpc.ts";

export interface ConnectionOptions {
  readonly socket: Socket;
  readonly rpc: Rpc;
  readonly instances: Instances;
  readonly heartbeatMs: number;
  readonly maxFrameBytes: number;
  readonly failureAnswer: ExitAnswer;
  readonly stopping: AbortSignal;
  readonly log: Log;
  readonly onEventStart: () => void;
  readonly onEventEnd: () => void;
  readonly onClose: () => void;
}

/** One of Kong's connections. It carries one call at a time: Kong does not send the next before the answer to the last. */
export class Connection {
  readonly #options: ConnectionOptions;
  readonly #socket: Socket;
  readonly #decoder: FrameDecoder;
  #event: PluginEvent | undefined;
  /** An event ended in `exit` here, after which Kong never uses the connection again. */
  #isSpent = false;

  constructor(options: ConnectionOptions) {
    this.#options = options;
    this.#socket = options.socket;
    this.#decoder = new FrameDecoder(options.maxFrameBytes);
    this.#socket.on("data", (chunk) => this.#onData(chunk));
    this.#socket.on("drain", () => this.#socket.resume());
    this.#socket.on("error", (error) => options.log.debug({ error }, "connection.failed"));
    this.#socket.on("close", () => this.#onClose());
  }

  /** Closes the connection. An event that still runs is answered first, if its connection is free to. */
  close(answer: ExitAnswer = failureAnswer("PLUGIN_STOPPED")): void {
    this.#event?.answer(answer);
    if (this.#event) this.#socket.destroy();
    else this.#socket.destroySoon();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  #onData(chunk: Buffer): void {
    try {
      for (const frame of this.#decoder.push(chunk)) {
        if (this.#socket.destroyed) return;
        this.#onFrame(frame);
      }
    } catch (error) {
      this.#reject("connection.garbled", { error });
    }
  }

  #onFrame(frame: Buffer): void {
    if (this.#isSpent) return this.#reject("connection.used_after_exit");
    if (this.#event) {
      if (!this.#event.receive(frame)) this.#reject("connection.frame_unexpected");
      return;
    }
    const { sequence, call } = fromBinary(RpcCallSchema, frame);
    if (call.case === "handleEvent") return this.#handleEvent(sequence, call.value);
    const result = this.#options.rpc.answer(call);
    if (result) this.#answer(encodeFrames(encodeReturn(sequence, result)));
    // Kong takes a closed connection for "start the instance anew", and there is no other way to tell it.
    else this.#reject("instance.unknown");
  }

  /** A peer that asks and does not read is not read either until it does: its answers would pile up here. */
  #answer(bytes: Buffer): void {
    if (!this.#socket.write(bytes)) this.#socket.pause();
  }

  #handleEvent(sequence: bigint, { instanceId, eventName }: HandleEvent): void {
    const { instances, onEventStart, onEventEnd } = this.#options;
    const instance = instances.find(instanceId);
    if (!instance) return this.#reject("instance.unknown", { instanceId });

    const event = new PluginEvent({
      phase: eventName as Phase,
      heartbeatMs: this.#options.heartbeatMs,
      stopping: this.#options.stopping,
      failureAnswer: this.#options.failureAnswer,
      log: this.#options.log,
      send: (bytes) => this.#socket.write(bytes),
      onEnd: (how) => {
        this.#event = undefined;
        onEventEnd();
        if (how === "exited") this.#isSpent = true;
        else this.#socket.write(encodeEndOfEvent(sequence));
      },
      onUnanswered: () => this.#reject("kong.unresponsive"),
    });
    this.#event = event;
    onEventStart();
    if (!instance.plugin) return event.answer(this.#options.failureAnswer);
    if (!phases.includes(eventName as Phase)) return event.finish();
    instances.beginEvent(instance);
    event.run(instance.plugin, () => instances.endEvent(instance));
  }

  #reject(reason: string, fields: object = {}): void {
    this.#options.log.warn(fields, reason);
    this.#socket.destroy();
  }

  #onClose(): void {
    if (this.#event) {
      const event = this.#event;
      this.#event = undefined;
      this.#options.onEventEnd();
      event.lose();
    }
    this.#options.onClose();
  }
}

function encodeReturn(sequence: bigint, result: RpcResult): Uint8Array {
  return toBinary(RpcReturnSchema, create(RpcReturnSchema, { sequence, result }));
}
