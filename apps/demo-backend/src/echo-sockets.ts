import { upgradeWebSocket } from "@hono/node-server";
import type { MiddlewareHandler } from "hono";
import { WebSocketServer } from "ws";

const maxMessageBytes = 64 * 1024;
/** See https://www.rfc-editor.org/rfc/rfc6455#section-7.4.1. */
const goingAway = 1001;

/** WebSockets that answer each message with itself. */
export class EchoSockets {
  readonly server = new WebSocketServer({ noServer: true, maxPayload: maxMessageBytes });

  /** Takes the request that opens one. */
  readonly handler: MiddlewareHandler = upgradeWebSocket(() => ({
    onMessage({ data }, socket) {
      // A Blob is no form in which this server's messages arrive.
      if (!(data instanceof Blob)) socket.send(data);
    },
  }));

  /** Tells every client that this replica goes away. */
  close(): void {
    for (const client of this.server.clients) client.close(goingAway);
  }

  /** Ends the connections of those that did not go. */
  terminate(): void {
    for (const client of this.server.clients) client.terminate();
  }
}
