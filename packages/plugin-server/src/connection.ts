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

import type { ByteBudget, ByteHolder } from "./byte-budget.ts";
import { type ExitAnswer, failureAnswer } from "./failure-answer.ts";
import type { Instances } from "./instances.ts";
import { PluginEvent } from "./plugin-event.ts";
import { type Phase, phases } from "./plugin-module.ts";
import type { Rpc, RpcResult } from "./rpc.ts";

/** How long a peer that sends many calls at once is served before others get a turn. */
const turnMs = 5;

export interface ConnectionOptions {
  readonly socket: Socket;
  readonly rpc: Rpc;
  readonly instances: Instances;
  readonly heartbeatMs: number;
  readonly maxFrameBytes: number;
  /** Shared by all connections: parts of incomplete frames, and unread answers. */
  readonly budget: ByteBudget;
  readonly failureAnswer: ExitAnswer;
  readonly stopping: AbortSignal;
  readonly log: Log;
  readonly onEventStart: () => void;
  readonly onEventEnd: () => void;
  readonly onClose: () => void;
}

/** One of Kong's connections. It carries one call at a time: Kong does not send the next before the answer to the last. */
export class Connection implements ByteHolder {
  readonly #options: ConnectionOptions;
  readonly #socket: Socket;
  readonly #decoder: FrameDecoder;
  /** Frames that have arrived and are to be handled in a later turn. */
  #waiting: Buffer[] = [];
  #event: PluginEvent | undefined;
  /** An event ended in `exit` here, after which Kong never uses the connection again. */
  #isSpent = false;
  /** Runs while bytes are kept for the peer, which has to send the rest of a frame, or read its answers, in time. */
  #stalled: NodeJS.Timeout | undefined;

  constructor(options: ConnectionOptions) {
    this.#options = options;
    this.#socket = options.socket;
    this.#decoder = new FrameDecoder(options.maxFrameBytes);
    this.#socket.on("data", (chunk) => this.#onData(chunk));
    this.#socket.on("drain", () => this.#onDrain());
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

  /** Too much is kept for all peers together, and most of it for this one. */
  giveUp(): void {
    this.#reject("connection.hoarded");
  }

  #onData(chunk: Buffer): void {
    try {
      const frames = this.#decoder.push(chunk);
      if (frames.length > 0) this.#stalled?.refresh();
      if (this.#waiting.length > 0) this.#waiting.push(...frames);
      else this.#handle(frames);
    } catch (error) {
      this.#reject("connection.garbled", { error });
    }
    this.#account();
  }

  /** Kong sends the next call when the last is answered, so more than one frame at a time is rare. */
  #handle(frames: Buffer[]): void {
    const untilMs = frames.length > 1 ? performance.now() + turnMs : Infinity;
    for (const [index, frame] of frames.entries()) {
      if (this.#socket.destroyed) return;
      this.#onFrame(frame);
      const isOver = this.#socket.writableNeedDrain || performance.now() > untilMs;
      if (!isOver || index === frames.length - 1) continue;
      this.#waiting = frames.slice(index + 1);
      this.#socket.pause();
      // Calls whose answers do not fit into the socket now continue when it drains.
      if (!this.#socket.writableNeedDrain) setImmediate(() => this.#handleWaiting());
      return;
    }
  }

  #handleWaiting(): void {
    if (this.#socket.writableNeedDrain) return;
    const frames = this.#waiting;
    this.#waiting = [];
    try {
      this.#handle(frames);
    } catch (error) {
      this.#reject("connection.garbled", { error });
    }
    this.#account();
    if (this.#waiting.length === 0 && !this.#socket.writableNeedDrain) this.#socket.resume();
  }

  #onDrain(): void {
    this.#account();
    if (this.#waiting.length > 0) this.#handleWaiting();
    else this.#socket.resume();
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
    if (result) this.#write(encodeFrames(encodeReturn(sequence, result)));
    // Kong takes a closed connection to mean "start the instance again"; there is no other way to say so.
    else this.#reject("instance.unknown");
  }

  /** Stops reading from a peer that does not read: its answers would pile up here. */
  #write(bytes: Buffer): void {
    if (this.#socket.write(bytes)) return;
    this.#socket.pause();
    this.#account();
  }

  /** Updates what is kept for this peer: usually nothing, before and after. */
  #account(): void {
    const { budget, heartbeatMs } = this.#options;
    const { destroyed, writableNeedDrain, writableLength } = this.#socket;
    const bytes = destroyed ? 0 : this.#decoder.pendingBytes + (writableNeedDrain ? writableLength : 0);
    if (bytes === 0 && this.#stalled === undefined) return;
    if (bytes === 0) {
      clearTimeout(this.#stalled);
      this.#stalled = undefined;
    } else {
      this.#stalled ??= setTimeout(() => this.#reject("connection.stalled"), heartbeatMs);
    }
    budget.set(this, bytes);
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
      send: (bytes) => this.#write(bytes),
      onEnd: (how) => {
        this.#event = undefined;
        onEventEnd();
        if (how === "exited") this.#isSpent = true;
        else this.#write(encodeEndOfEvent(sequence));
      },
      onUnanswered: () => this.#reject("kong.unresponsive"),
    });
    this.#event = event;
    onEventStart();
    const plugin = instances.pluginOf(instance);
    if (!plugin) return event.answer(this.#options.failureAnswer);
    if (!phases.includes(eventName as Phase)) return event.finish();
    instances.beginEvent(instance);
    event.run(plugin, () => instances.endEvent(instance));
  }

  #reject(reason: string, fields: object = {}): void {
    this.#options.log.warn(fields, reason);
    this.#socket.destroy();
  }

  #onClose(): void {
    this.#waiting = [];
    this.#account();
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
