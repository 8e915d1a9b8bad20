import { upgradeWebSocket } from "@hono/node-server";
import type { MiddlewareHandler } from "hono";
import { WebSocketServer } from "ws";

const maxMessageBytes = 64 * 1024;
/** See https://www.rfc-editor.org/rfc/rfc6455#section-7.4.1. */
const goingAway = 1001;

/** WebSockets that echo each message. */
export class EchoSockets {
  readonly server = new WebSocketServer({ noServer: true, maxPayload: maxMessageBytes });

  /** Handles the request that opens one. */
  readonly handler: MiddlewareHandler = upgradeWebSocket(() => ({
    onMessage({ data }, socket) {
      // This server's messages never arrive as a Blob.
      if (!(data instanceof Blob)) socket.send(data);
    },
  }));

  /** Tells every client that this replica is going away. */
  close(): void {
    for (const client of this.server.clients) client.close(goingAway);
  }

  /** Terminates the connections of clients that stayed. */
  terminate(): void {
    for (const client of this.server.clients) client.terminate();
  }
}
