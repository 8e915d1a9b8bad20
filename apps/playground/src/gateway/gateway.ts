import { Agent, createServer, type IncomingMessage, type Server, ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";

import type { KongHost } from "@kong-serverless/kong-host";
import { listen } from "@kong-serverless/runtime";
import { createProxyServer, type ProxyServer } from "httpxy";

import type { Journal } from "../journal.ts";
import { answerJson } from "./answer-json.ts";
import type { GatewayRoute } from "./gateway-route.ts";
import { matchRoute } from "./match-route.ts";
import { ProxiedRequest } from "./proxied-request.ts";

export interface PlaygroundGatewayOptions {
  readonly port: number;
  readonly routes: readonly GatewayRoute[];
  readonly kong: KongHost;
  readonly journal: Journal;
}

const noRoute = { message: "no Route matched with those values" };
const badGateway = { message: "An invalid response was received from the upstream server" };

/**
 * Kong on loopback: routes by the Ingresses, runs the plugin's phases over its real protocol, and proxies HTTP and
 * WebSockets.
 */
export class PlaygroundGateway {
  readonly #options: PlaygroundGatewayOptions;
  readonly #server: Server;
  readonly #proxy: ProxyServer;
  readonly #agent = new Agent({ keepAlive: true });
  readonly #proxied = new WeakMap<IncomingMessage, ProxiedRequest>();
  /** Sockets that asked for an upgrade, which the server no longer tracks. */
  readonly #upgraded = new Set<Socket>();

  /** Fails with PORT_UNAVAILABLE. */
  static async start(options: PlaygroundGatewayOptions): Promise<PlaygroundGateway> {
    const gateway = new PlaygroundGateway(options);
    await listen(gateway.#server, { host: "127.0.0.1", port: options.port, setting: "--port" });
    return gateway;
  }

  private constructor(options: PlaygroundGatewayOptions) {
    this.#options = options;
    const server = createServer({
      // Only the hold limits a held request.
      requestTimeout: 0,
      // Other protocols that a client offers, such as HTTP/2, are ignored.
      shouldUpgradeCallback: ({ headers }) => headers.upgrade?.toLowerCase() === "websocket",
    });
    server.on("request", (request: IncomingMessage, response: ServerResponse) => {
      this.#handle(request, response).catch(() => response.destroy());
    });
    server.on("upgrade", (request: IncomingMessage, socket: Socket, head: Buffer) => {
      this.#handleUpgrade(request, socket, head).catch(() => socket.destroy());
    });
    this.#server = server;
    this.#proxy = createProxyServer({ agent: this.#agent, xfwd: true });
    this.#proxy.on("proxyRes", (answer, request) => this.#proxied.get(request)?.answered(answer));
    this.#proxy.on("proxyReqWs", (upstream, request) => {
      const answered = (answer: IncomingMessage) => this.#proxied.get(request)?.answered(answer);
      // Before the proxy's own listeners, which pass the answer on.
      upstream.prependListener("upgrade", answered).prependListener("response", answered);
    });
    this.#proxy.on("error", (error, request, response) => this.#fail(error, request, response));
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  async stop(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.#server.closeAllConnections();
    for (const socket of this.#upgraded) socket.destroy();
    await closed;
    this.#agent.destroy();
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const proxied = this.#route(request);
    if (!proxied) {
      answerJson(response, 404, noRoute);
      return;
    }
    const left = new AbortController();
    response.once("close", () => {
      if (!response.writableFinished) left.abort();
    });
    const mayPass = await proxied.access(response, left.signal);
    // If it has closed meanwhile, no event will follow.
    if (response.closed) proxied.finish();
    else response.once("close", () => proxied.finish());
    if (mayPass) await this.#proxy.web(request, response, proxied.forward(request));
  }

  async #handleUpgrade(request: IncomingMessage, socket: Socket, head: Buffer): Promise<void> {
    this.#upgraded.add(socket);
    socket.once("close", () => this.#upgraded.delete(socket));
    socket.on("error", () => socket.destroy());
    const own = ownAnswer(request, socket);
    const proxied = this.#route(request);
    if (!proxied) {
      answerJson(own, 404, noRoute);
      socket.destroySoon();
      return;
    }
    using leaving = watchLeaving(socket);
    const mayPass = await proxied.access(own, leaving.signal);
    if (socket.closed) proxied.finish();
    else socket.once("close", () => proxied.finish());
    if (!mayPass) {
      socket.destroySoon();
      return;
    }
    own.detachSocket(socket);
    leaving[Symbol.dispose]();
    await this.#proxy.ws(request, socket, proxied.forward(request), head);
  }

  #route(request: IncomingMessage): ProxiedRequest | undefined {
    const { routes, kong, journal } = this.#options;
    const [path = "/"] = (request.url ?? "/").split("?", 1);
    const host = (request.headers.host ?? "").replace(/:\d+$/, "");
    const matched = matchRoute(
      routes.map(({ ingress }) => ingress),
      host,
      path,
    );
    const route = routes.find(({ ingress }) => ingress === matched);
    if (!route) return undefined;
    const proxied = new ProxiedRequest({ request, route, port: this.port, kong, journal });
    this.#proxied.set(request, proxied);
    return proxied;
  }

  #fail(error: Error, request?: IncomingMessage, response?: ServerResponse | Socket): void {
    const isUnanswered = request && this.#proxied.get(request)?.failed(error);
    if (!request || !isUnanswered || !response?.writable) response?.destroy();
    else {
      const answer = response instanceof ServerResponse ? response : ownAnswer(request, response);
      answerJson(answer, 502, badGateway);
    }
  }
}

/** A response for an upgrade request that the gateway answers itself: Node creates none. */
function ownAnswer(request: IncomingMessage, socket: Socket): ServerResponse {
  const response = new ServerResponse(request);
  response.shouldKeepAlive = false;
  response.assignSocket(socket);
  return response;
}

/** Aborts when a WebSocket's client leaves before anybody reads from it. */
function watchLeaving(socket: Socket): Disposable & { readonly signal: AbortSignal } {
  const left = new AbortController();
  const onLeave = () => left.abort();
  // Reads ahead into the socket's buffer, which is the only way to notice the end.
  const onReadable = () => void socket.read(0);
  socket.on("readable", onReadable).once("end", onLeave).once("close", onLeave);
  return {
    signal: left.signal,
    [Symbol.dispose]() {
      socket.off("readable", onReadable).off("end", onLeave).off("close", onLeave);
    },
  };
}
