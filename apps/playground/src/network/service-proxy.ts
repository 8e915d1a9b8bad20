import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";

import { listen } from "@kong-serverless/runtime";

import type { Endpoint } from "./endpoint.ts";

/**
 * Plays kube-proxy for one port of a Service: each connection goes to a random ready endpoint for as long as it lasts,
 * and is reset if there is none.
 */
export class ServiceProxy {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  static async start(endpoints: () => readonly Endpoint[]): Promise<ServiceProxy> {
    const proxy = new ServiceProxy(endpoints);
    await listen(proxy.#server, { host: "127.0.0.1", port: 0 });
    return proxy;
  }

  private constructor(endpoints: () => readonly Endpoint[]) {
    this.#server = createServer({ allowHalfOpen: true }, (client) => {
      const ready = endpoints();
      const endpoint = ready[Math.floor(Math.random() * ready.length)];
      if (endpoint) this.#join(client, connect({ ...endpoint, allowHalfOpen: true }));
      else refuse(client);
    });
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  async stop(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  /**
   * Each half ends only once everything has been passed on: a peer may close long before the other has read the rest.
   */
  #join(client: Socket, pod: Socket): void {
    for (const [socket, other] of [
      [client, pod],
      [pod, client],
    ] as const) {
      this.#sockets.add(socket);
      socket.setNoDelay(true);
      socket.on("error", () => other.resetAndDestroy());
      socket.on("close", () => this.#sockets.delete(socket));
      socket.pipe(other);
    }
  }
}

function refuse(client: Socket): void {
  // The client may have gone already.
  client.on("error", () => {});
  client.resetAndDestroy();
}
