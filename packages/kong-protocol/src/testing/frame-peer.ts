import { once } from "node:events";
import { connect, type Socket } from "node:net";

import { encodeFrames, FrameDecoder } from "../index.ts";

/** One end of a connection of the plugin protocol, which sends exactly what a test tells it to. */
export class FramePeer {
  readonly socket: Socket;
  readonly #decoder = new FrameDecoder();
  readonly #frames: Buffer[] = [];
  readonly #readers: ((frame: Buffer | undefined) => void)[] = [];
  #isClosed = false;

  static async connect(socketPath: string): Promise<FramePeer> {
    const socket = connect(socketPath);
    await once(socket, "connect");
    return new FramePeer(socket);
  }

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on("error", () => {});
    socket.on("data", (chunk) => {
      this.#frames.push(...this.#decoder.push(chunk));
      this.#deliver();
    });
    socket.on("close", () => {
      this.#isClosed = true;
      this.#deliver();
    });
  }

  send(...payloads: readonly Uint8Array[]): void {
    this.socket.write(encodeFrames(...payloads));
  }

  sendBytes(bytes: Uint8Array): void {
    this.socket.write(bytes);
  }

  /** The next frame; `undefined` once the other end has closed the connection. */
  read(): Promise<Buffer | undefined> {
    return new Promise((resolve) => {
      this.#readers.push(resolve);
      this.#deliver();
    });
  }

  close(): void {
    this.socket.destroy();
  }

  #deliver(): void {
    while (this.#readers.length > 0 && (this.#frames.length > 0 || this.#isClosed)) {
      this.#readers.shift()?.(this.#frames.shift());
    }
  }
}
