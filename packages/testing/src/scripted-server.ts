import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

import { listen } from "@kong-serverless/runtime";

/** A status code, a status code with a body, silence until the server stops, or a closed connection. */
export type ScriptedAnswer =
  | number
  | { readonly status: number; readonly body: string }
  | "silence"
  | "hang-up";

/** An HTTP server that can be told when to be there: what a fake service of a test is built on. */
export abstract class ScriptedServer {
  #server: Server | undefined;
  #port = 0;

  /** `http://127.0.0.1:PORT`, also while the server is stopped. */
  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  /** Listens: on a free port at first, on the same port when started again. */
  async start(): Promise<this> {
    const server = createServer((request, response) => {
      this.handle(request, response).catch(() => response.destroy());
    });
    await listen(server, { host: "127.0.0.1", port: this.#port });
    this.#port = (server.address() as AddressInfo).port;
    this.#server = server;
    return this;
  }

  /** Closes every connection; does nothing when stopped already. */
  async stop(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    if (server === undefined) return;
    server.closeAllConnections();
    await new Promise<void>((resolve) => server.close(() => resolve()));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  protected abstract handle(request: IncomingMessage, response: ServerResponse): Promise<void>;

  protected answer(response: ServerResponse, answer: ScriptedAnswer): void {
    if (answer === "silence") return;
    if (answer === "hang-up") response.destroy();
    else if (typeof answer === "number") response.writeHead(answer).end();
    else response.writeHead(answer.status, { "content-type": "application/json" }).end(answer.body);
  }
}
