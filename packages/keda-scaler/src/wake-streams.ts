import { create } from "@bufbuild/protobuf";
import type { Log } from "@kong-serverless/runtime";

import { type IsActiveResponse, IsActiveResponseSchema } from "./externalscaler_pb.ts";
import type { Trigger } from "./trigger.ts";

/** KEDA's end of a stream, as far as it is used here. */
export interface WakeStream {
  write(message: IsActiveResponse): unknown;
  /** Whether what was written is not being read. */
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
 * KEDA comes back after 2 s when a stream ends with OK, and otherwise after a pause that doubles with every break, up to a minute, and
 * that nothing but an OK resets. So the first stream after a break is ended once, with OK, at a quiet moment this long after it began.
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

/** The streams on which KEDA waits to be told of a wake. */
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

  /** Tells whoever waits for this backend. */
  wake(backend: string): void {
    for (const { stream } of this.#byBackend.get(backend) ?? []) push(stream);
  }

  /** Ends every stream with OK. */
  end(): void {
    for (const streams of this.#byBackend.values()) for (const { stream } of streams) stream.end();
  }

  /** Whoever came while there was no stream is still there. */
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

/** One unread wake says as much as many. */
function push(stream: WakeStream): void {
  if (!stream.writableNeedDrain) stream.write(isActive);
}
