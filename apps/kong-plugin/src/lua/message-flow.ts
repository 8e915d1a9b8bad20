import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";

import { ByteBudget } from "@kong-serverless/plugin-server";
import { ServerlessError } from "@kong-serverless/runtime";

export interface MessageFlowOptions {
  /** Limit of partial messages and unread answers, for all connections together. Default 64 MiB. */
  readonly maxBufferedBytes?: number;
  /** How long a peer may take to read an answer. */
  readonly answerMs: number;
}

/** What is buffered for one connection. */
interface Buffered {
  bytes: number;
  readonly giveUp: () => void;
}

/**
 * Reads messages and sends answers, buffering at most a fixed number of bytes for all connections together. Beyond that, the
 * connection with the most is closed.
 */
export class MessageFlow {
  readonly #budget: ByteBudget;
  readonly #answerMs: number;
  readonly #buffered = new WeakMap<Socket, Buffered>();

  constructor({ maxBufferedBytes = 64 * 1024 * 1024, answerMs }: MessageFlowOptions) {
    this.#budget = new ByteBudget(maxBufferedBytes);
    this.#answerMs = answerMs;
  }

  /** Closes the connection, and fails with FRAME_TOO_LARGE, when the message has more than `maxBytes`. */
  async read(request: IncomingMessage, maxBytes: number): Promise<unknown> {
    const { socket } = request;
    const chunks: Buffer[] = [];
    let bytes = 0;
    try {
      for await (const chunk of request as AsyncIterable<Buffer>) {
        bytes += chunk.length;
        this.#count(socket, chunk.length);
        if (bytes <= maxBytes) chunks.push(chunk);
        else socket.destroy();
      }
      if (bytes <= maxBytes) return JSON.parse(Buffer.concat(chunks).toString("utf8"));
    } catch (error) {
      if (bytes <= maxBytes) throw error;
    } finally {
      this.#count(socket, -bytes);
    }
    throw new ServerlessError("FRAME_TOO_LARGE", `a message of more than ${maxBytes} bytes`);
  }

  /** Sends an answer. Closes the connection when the answer is not read in time. */
  end(response: ServerResponse, text: string): void {
    response.end(text);
    const unread = response.writableLength;
    // Usually the kernel has taken it all by now.
    if (unread === 0) return;
    const { socket } = response.req;
    const overdue = setTimeout(() => socket.destroy(), this.#answerMs).unref();
    response.once("finish", () => {
      clearTimeout(overdue);
      this.#count(socket, -unread);
    });
    this.#count(socket, unread);
  }

  #count(socket: Socket, more: number): void {
    if (socket.destroyed) return;
    const buffered = this.#buffered.get(socket) ?? this.#add(socket);
    buffered.bytes += more;
    this.#budget.set(buffered, buffered.bytes);
  }

  #add(socket: Socket): Buffered {
    const buffered = { bytes: 0, giveUp: () => socket.destroy() };
    this.#buffered.set(socket, buffered);
    socket.once("close", () => this.#budget.set(buffered, 0));
    return buffered;
  }
}
