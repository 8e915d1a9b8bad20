import { connect, type Socket } from "node:net";

import { encodeFrames, FrameDecoder } from "@kong-serverless/kong-protocol";

/** The plugin server closed the connection, upon which Kong starts a new instance. */
export class ConnectionClosedError extends Error {
  override readonly name = "ConnectionClosedError";

  constructor() {
    super("closed");
  }
}

interface Reader {
  resolve(frame: Buffer): void;
  reject(error: Error): void;
}

/** A connection to the plugin server, read frame by frame. */
export class PluginServerConnection {
  readonly #socket: Socket;
  readonly #readTimeoutMs: number;
  readonly #decoder = new FrameDecoder();
  readonly #frames: Buffer[] = [];
  #reader: Reader | undefined;
  #timer: NodeJS.Timeout | undefined;

  /** Resolves once connected; rejects at once when nothing listens. */
  static open(socketPath: string, readTimeoutMs: number): Promise<PluginServerConnection> {
    return new Promise((resolve, reject) => {
      const socket = connect(socketPath);
      socket.once("error", reject);
      socket.once("connect", () => {
        socket.off("error", reject);
        resolve(new PluginServerConnection(socket, readTimeoutMs));
      });
    });
  }

  private constructor(socket: Socket, readTimeoutMs: number) {
    this.#socket = socket;
    this.#readTimeoutMs = readTimeoutMs;
    socket.on("data", (chunk) => this.#onData(chunk));
    // Always followed by "close".
    socket.on("error", () => {});
    socket.on("close", () => this.#settle()?.reject(new ConnectionClosedError()));
  }

  get isOpen(): boolean {
    return !this.#socket.destroyed && this.#socket.readable;
  }

  send(...payloads: readonly Uint8Array[]): void {
    this.#socket.write(encodeFrames(...payloads));
  }

  /** The next frame. Rejects with ConnectionClosedError, or when the read limit is over. One reader at a time. */
  read(): Promise<Buffer> {
    const frame = this.#frames.shift();
    if (frame) return Promise.resolve(frame);
    if (!this.isOpen) return Promise.reject(new ConnectionClosedError());
    return new Promise((resolve, reject) => {
      this.#reader = { resolve, reject };
      this.#timer = setTimeout(() => {
        this.#settle()?.reject(new Error("timeout"));
        this.close();
      }, this.#readTimeoutMs);
    });
  }

  close(): void {
    this.#socket.destroy();
  }

  #onData(chunk: Buffer): void {
    try {
      this.#frames.push(...this.#decoder.push(chunk));
    } catch (error) {
      this.#settle()?.reject(error as Error);
      this.close();
      return;
    }
    if (!this.#reader) return;
    const frame = this.#frames.shift();
    if (frame) this.#settle()?.resolve(frame);
  }

  #settle(): Reader | undefined {
    const reader = this.#reader;
    clearTimeout(this.#timer);
    this.#reader = undefined;
    return reader;
  }
}
