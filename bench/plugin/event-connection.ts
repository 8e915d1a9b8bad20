import { once } from "node:events";
import { connect, type Socket } from "node:net";

import type { Conversation } from "./conversation.ts";

const nothing = Buffer.alloc(0);

/**
 * One of Kong's connections, played with as little work as possible: it sends prepared bytes, and only looks for the
 * ends of turns in the answers. Both protocols use the same code, so that it costs the same for both.
 */
export class EventConnection {
  readonly #socket: Socket;
  readonly #conversation: Conversation;
  #said: Buffer = nothing;
  #onTurn: (() => void) | undefined;
  #onEnd: (() => void) | undefined;

  static async open(socketPath: string, conversation: Conversation): Promise<EventConnection> {
    const socket = connect(socketPath);
    await once(socket, "connect");
    return new EventConnection(socket, conversation);
  }

  private constructor(socket: Socket, conversation: Conversation) {
    this.#socket = socket;
    this.#conversation = conversation;
    socket.on("data", (chunk) => this.#onData(chunk));
    socket.on("close", () => {
      // Otherwise pending events would wait forever.
      if (this.#onEnd !== undefined) throw new Error("the plugin server closed a connection during an event");
    });
  }

  /** Begins an event, one at a time. Calls `onEnd` at its end, and `onTurn` after each answered PDK call. */
  play(event: Buffer, onEnd: () => void, onTurn?: () => void): void {
    this.#onEnd = onEnd;
    this.#onTurn = onTurn;
    this.#socket.write(event);
  }

  close(): void {
    this.#onEnd = undefined;
    this.#socket.destroy();
  }

  #onData(chunk: Buffer): void {
    const conversation = this.#conversation;
    let said = this.#said.length === 0 ? chunk : Buffer.concat([this.#said, chunk]);
    for (let end = conversation.turnEnd(said); end > 0; end = conversation.turnEnd(said)) {
      const answer = conversation.answer(said);
      said = end === said.length ? nothing : said.subarray(end);
      if (answer === undefined) {
        const onEnd = this.#onEnd;
        this.#onEnd = undefined;
        onEnd?.();
      } else {
        this.#socket.write(answer);
        this.#onTurn?.();
      }
    }
    this.#said = said;
  }
}
