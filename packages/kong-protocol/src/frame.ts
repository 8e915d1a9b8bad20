import { ServerlessError } from "@kong-serverless/runtime";

const headerBytes = 4;

/** Far above what Kong sends by itself (its request bodies in memory are 8 KiB unless configured otherwise). */
export const defaultMaxFrameBytes = 1024 * 1024;
/** A frame in tiny pieces is joined whenever it has this many: each piece takes far more memory than its bytes. */
const maxChunks = 256;

/** The peer announced a frame that is longer than the limit: the rest of the stream cannot be read. */
export class FrameTooLargeError extends ServerlessError {
  constructor(frameBytes: number, maxFrameBytes: number) {
    super(
      "FRAME_TOO_LARGE",
      `A frame of ${frameBytes} bytes was announced; at most ${maxFrameBytes} are taken.`,
    );
  }
}

/** One buffer that holds every payload with its length, a little-endian uint32, before it. */
export function encodeFrames(...payloads: readonly Uint8Array[]): Buffer {
  const size = payloads.reduce((sum, payload) => sum + headerBytes + payload.length, 0);
  const bytes = Buffer.allocUnsafe(size);
  let offset = 0;
  for (const payload of payloads) {
    bytes.writeUInt32LE(payload.length, offset);
    bytes.set(payload, offset + headerBytes);
    offset += headerBytes + payload.length;
  }
  return bytes;
}

/** Cuts a byte stream into frames, however the stream was split or joined on its way. */
export class FrameDecoder {
  readonly #maxFrameBytes: number;
  #chunks: Buffer[] = [];
  #size = 0;
  /** Bytes to collect before looking again, so that a frame in small pieces is joined once rather than at every piece. */
  #needed = headerBytes;

  constructor(maxFrameBytes = defaultMaxFrameBytes) {
    this.#maxFrameBytes = maxFrameBytes;
  }

  /** Bytes kept of an incomplete frame. */
  get pendingBytes(): number {
    return this.#size;
  }

  /** The payloads that `chunk` completes. Fails with FRAME_TOO_LARGE, after which the decoder is of no use. */
  push(chunk: Buffer): Buffer[] {
    this.#chunks.push(chunk);
    this.#size += chunk.length;
    if (this.#size < this.#needed) {
      if (this.#chunks.length > maxChunks) this.#chunks = [Buffer.concat(this.#chunks, this.#size)];
      return [];
    }

    const bytes = this.#chunks.length === 1 ? chunk : Buffer.concat(this.#chunks, this.#size);
    const frames: Buffer[] = [];
    let offset = 0;
    this.#needed = headerBytes;
    while (bytes.length - offset >= headerBytes) {
      const length = bytes.readUInt32LE(offset);
      if (length > this.#maxFrameBytes) throw new FrameTooLargeError(length, this.#maxFrameBytes);
      const end = offset + headerBytes + length;
      if (end > bytes.length) {
        this.#needed = headerBytes + length;
        break;
      }
      frames.push(bytes.subarray(offset + headerBytes, end));
      offset = end;
    }
    // A copy: a view would keep the whole chunk in memory.
    this.#chunks = offset < bytes.length ? [copyOf(bytes.subarray(offset))] : [];
    this.#size = bytes.length - offset;
    return frames;
  }
}

/** A copy outside of Buffer's pool, from which `Buffer.from` would take it. */
function copyOf(bytes: Buffer): Buffer {
  const copy = Buffer.allocUnsafeSlow(bytes.length);
  copy.set(bytes);
  return copy;
}
