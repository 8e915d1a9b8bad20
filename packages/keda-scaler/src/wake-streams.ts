import { create } from "@bufbuild/protobuf";
import type { Log } from "@kong-serverless/runtime";

import { type IsActiveResponse, IsActiveResponseSchema } from "./externalscaler_pb.ts";
import type { Trigger } from "./trigger.ts";

/** KEDA's end of a stream, as far as it is used here. */
export interface WakeStream {
  write(message: IsActiveResponse): unknown;
  /** Whether KEDA does not read what was written. */
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

/**
 * KEDA reconnects 2 s after a stream that ended with OK. After any other end it waits, twice as long each time up to a minute, until
 * an OK resets the pause. So the first stream after a break is ended with OK, once, at a quiet moment this long after it began.
 */
const settleAfterMs = 10_000;
/** KEDA has one stream for each trigger. */
const maxStreams = 10_000;

const isActive = create(IsActiveResponseSchema, { result: true });

interface OpenStream {
  readonly stream: WakeStream;
  readonly trigger: Trigger;
  settling: NodeJS.Timeout | undefined;
}

/** The streams on which KEDA listens for wakes. */
export class WakeStreams {
  readonly #options: WakeStreamsOptions;
  readonly #byBackend = new Map<string, Set<OpenStream>>();
  /** Triggers whose latest stream was ended with OK from here: KEDA's pause is the shortest. */
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
    const open: OpenStream = { stream, trigger, settling: undefined };
    const streams = this.#byBackend.get(backend) ?? new Set();
    this.#byBackend.set(backend, streams.add(open));
    this.#count += 1;
    log.info({ backend, trigger: key }, "scaler.stream_opened");
    stream.once("close", () => {
      clearTimeout(open.settling);
      this.#count -= 1;
      streams.delete(open);
      if (streams.size === 0) this.#byBackend.delete(backend);
      log.info({ backend, trigger: key }, "scaler.stream_closed");
    });
    if (!this.#settled.delete(key)) this.#settleLater(open);
    void this.#catchUp(open);
  }

  /** Pushes to all streams of this backend. */
  wake(backend: string): void {
    for (const { stream } of this.#byBackend.get(backend) ?? []) push(stream);
  }

  /** Ends every stream with OK. */
  end(): void {
    for (const streams of this.#byBackend.values()) for (const { stream } of streams) stream.end();
  }

  /** Requests may have arrived while there was no stream. */
  async #catchUp({ stream, trigger }: OpenStream): Promise<void> {
    if ((await this.#options.demand(trigger.backend)) > 0) push(stream);
  }

  #settleLater(open: OpenStream): void {
    open.settling = setTimeout(() => void this.#settle(open), settleAfterMs);
  }

  async #settle(open: OpenStream): Promise<void> {
    const { backend, key } = open.trigger;
    if ((await this.#options.demand(backend)) > 0) {
      this.#settleLater(open);
      return;
    }
    if (this.#settled.size >= maxStreams) this.#settled.clear();
    this.#settled.add(key);
    open.stream.end();
  }
}

/** One unread wake says as much as several. */
function push(stream: WakeStream): void {
  if (!stream.writableNeedDrain) stream.write(isActive);
}
