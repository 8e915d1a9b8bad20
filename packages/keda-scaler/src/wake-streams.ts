import { create } from "@bufbuild/protobuf";
import type { Log } from "@kong-serverless/runtime";

import { type IsActiveResponse, IsActiveResponseSchema } from "./externalscaler_pb.ts";
import type { Trigger } from "./trigger.ts";

/** What is used here of a gRPC stream to KEDA. */
export interface WakeStream {
  write(message: IsActiveResponse): unknown;
  /** True while KEDA has not read what was written. */
  readonly writableNeedDrain: boolean;
  /** Ends it with the status OK. */
  end(): unknown;
  once(event: "close", listener: () => void): unknown;
}

export interface WakeStreamsOptions {
  /** Requests held and in flight, over all pods of the gateway. Never rejects. */
  readonly demand: (backend: string) => Promise<number>;
  readonly log: Log;
}

/** KEDA has one stream for each trigger. */
const maxStreams = 10_000;

const isActive = create(IsActiveResponseSchema, { result: true });

interface OpenStream {
  readonly stream: WakeStream;
  readonly trigger: Trigger;
  /** The trigger's stream before it ended with OK. */
  readonly isSettled: boolean;
}

/**
 * The streams on which KEDA listens for wakes.
 *
 * KEDA reconnects 2 s after a stream that ended with OK. After any other end it pauses twice as long each time, up to a minute, until
 * an OK resets the pause. So the first stream after a break is ended with OK, right after its first wake: KEDA is already
 * scaling the backend, so nobody needs the stream in the next 2 s.
 */
export class WakeStreams {
  readonly #options: WakeStreamsOptions;
  readonly #byBackend = new Map<string, Set<OpenStream>>();
  /** Keys of triggers whose latest stream ended with OK. */
  readonly #settled = new Set<string>();
  #count = 0;

  constructor(options: WakeStreamsOptions) {
    this.#options = options;
  }

  get isFull(): boolean {
    return this.#count >= maxStreams;
  }

  /** How many streams wait for a backend's wakes. */
  count(backend: string): number {
    return this.#byBackend.get(backend)?.size ?? 0;
  }

  open(stream: WakeStream, trigger: Trigger): void {
    const { log } = this.#options;
    const { backend, key } = trigger;
    const open: OpenStream = { stream, trigger, isSettled: this.#settled.delete(key) };
    const streams = this.#byBackend.get(backend) ?? new Set();
    this.#byBackend.set(backend, streams.add(open));
    this.#count += 1;
    log.info({ backend, trigger: key }, "scaler.stream_opened");
    stream.once("close", () => {
      this.#count -= 1;
      this.#remove(open);
      log.info({ backend, trigger: key }, "scaler.stream_closed");
    });
    void this.#catchUp(open);
  }

  /** Pushes to all streams of this backend. */
  wake(backend: string): void {
    for (const open of this.#byBackend.get(backend) ?? []) this.#push(open);
  }

  /** Ends every stream with OK. */
  end(): void {
    for (const streams of this.#byBackend.values()) for (const { stream } of streams) stream.end();
  }

  /** Requests may have arrived while there was no stream. */
  async #catchUp(open: OpenStream): Promise<void> {
    const { backend } = open.trigger;
    if ((await this.#options.demand(backend)) > 0 && this.#byBackend.get(backend)?.has(open))
      this.#push(open);
  }

  #push(open: OpenStream): void {
    const { stream, trigger, isSettled } = open;
    // One unread wake says as much as several.
    if (stream.writableNeedDrain) return;
    stream.write(isActive);
    if (isSettled) return;
    if (this.#settled.size >= maxStreams) this.#settled.clear();
    this.#settled.add(trigger.key);
    this.#remove(open);
    stream.end();
  }

  #remove(open: OpenStream): void {
    const { backend } = open.trigger;
    const streams = this.#byBackend.get(backend);
    streams?.delete(open);
    if (streams?.size === 0) this.#byBackend.delete(backend);
  }
}
