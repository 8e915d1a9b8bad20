import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";

import { listen } from "../../packages/runtime/src/index.ts";

/** Serves a number to KEDA's `metrics-api` trigger, such as a queue's length. Undefined: it cannot be read. */
export class NumberServer {
  value: number | undefined = 0;
  readonly #server: Server = createServer((_, response) => {
    response.writeHead(this.value === undefined ? 503 : 200);
    response.end(JSON.stringify({ value: this.value }));
  });

  static async start(): Promise<NumberServer> {
    const started = new NumberServer();
    await listen(started.#server, { host: "127.0.0.1", port: 0 });
    return started;
  }

  /** A trigger that is active above 0, with one replica for each `targetValue`. */
  trigger(name: string, targetValue = "1000"): object {
    const { port } = this.#server.address() as AddressInfo;
    const url = `http://127.0.0.1:${port}/`;
    return { type: "metrics-api", name, metadata: { url, valueLocation: "value", targetValue } };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
