import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";

import { ByteBudget } from "@kong-serverless/plugin-server";
import { ServerlessError } from "@kong-serverless/runtime";

export interface MessageFlowOptions {
  /** Parts of messages and unread answers, of all connections together. Default 64 MiB. */
  readonly maxBufferedBytes?: number;
  /** How long a peer may take to read an answer. */
  readonly answerMs: number;
}

/** What is kept for one connection. */
interface Kept {
  bytes: number;
  readonly giveUp: () => void;
}

/**
 * Reads messages and sends answers, and keeps no more than a fixed number of bytes for all connections together. Beyond it,
 * the one that most is kept for is closed.
 */
export class MessageFlow {
  readonly #budget: ByteBudget;
  readonly #answerMs: number;
  readonly #kept = new WeakMap<Socket, Kept>();

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
        this.#keep(socket, chunk.length);
        if (bytes <= maxBytes) chunks.push(chunk);
        else socket.destroy();
      }
      if (bytes <= maxBytes) return JSON.parse(Buffer.concat(chunks).toString("utf8"));
    } catch (error) {
      if (bytes <= maxBytes) throw error;
    } finally {
      this.#keep(socket, -bytes);
    }
    throw new ServerlessError("FRAME_TOO_LARGE", `a message of more than ${maxBytes} bytes`);
  }

  /** Ends an answer. Closes the connection when it is not read in time. */
  end(response: ServerResponse, text: string): void {
    response.end(text);
    const unread = response.writableLength;
    // Usually the kernel has taken it all by now.
    if (unread === 0) return;
    const { socket } = response.req;
    const overdue = setTimeout(() => socket.destroy(), this.#answerMs).unref();
    response.once("finish", () => {
      clearTimeout(overdue);
      this.#keep(socket, -unread);
    });
    this.#keep(socket, unread);
  }

  #keep(socket: Socket, more: number): void {
    if (socket.destroyed) return;
    const kept = this.#kept.get(socket) ?? this.#add(socket);
    kept.bytes += more;
    this.#budget.set(kept, kept.bytes);
  }

  #add(socket: Socket): Kept {
    const kept = { bytes: 0, giveUp: () => socket.destroy() };
    this.#kept.set(socket, kept);
    socket.once("close", () => this.#budget.set(kept, 0));
    return kept;
  }
}
