import { Agent, createServer, type IncomingMessage, type Server, ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";

import { Exchange, type KongHost, type PluginEntity } from "@kong-serverless/kong-host";
import { listen } from "@kong-serverless/runtime";
import { createProxyServer, type ProxyServer } from "httpxy";

import type { Journal } from "../journal.ts";
import type { Endpoint } from "../network/endpoint.ts";
import { toExchange } from "./exchange-of.ts";
import type { GatewayRoute } from "./gateway-route.ts";
import { matchRoute } from "./match-route.ts";

export interface GatewayOptions {
  readonly port: number;
  readonly routes: readonly GatewayRoute[];
  readonly kong: KongHost;
  readonly journal: Journal;
}

/** A request on its way: what both halves of the proxy and the log phase need to know of it. */
interface Passage {
  readonly exchange: Exchange;
  readonly backend: string;
  readonly plugin: PluginEntity | undefined;
  readonly upstream: Endpoint;
}

/** nginx's status for a client that left before it was answered. */
const clientClosedRequest = 499;

/** Kong on loopback: routes by the Ingresses, runs the plugin's phases over its real protocol, and proxies HTTP and WebSockets. */
export class Gateway {
  readonly #options: GatewayOptions;
  readonly #server: Server;
  readonly #proxy: ProxyServer;
  readonly #agent = new Agent({ keepAlive: true });
  readonly #passages = new WeakMap<IncomingMessage, Passage>();
  readonly #upgraded = new Set<Socket>();

  /** Fails with PORT_UNAVAILABLE. */
  static async start(options: GatewayOptions): Promise<Gateway> {
    const gateway = new Gateway(options);
    await listen(gateway.#server, { host: "127.0.0.1", port: options.port, setting: "--port" });
    return gateway;
  }

  private constructor(options: GatewayOptions) {
    this.#options = options;
    // A held request has no time limit but its own.
    this.#server = createServer({ requestTimeout: 0 }, (request, response) => {
      void this.#handle(request, response);
    });
    this.#server.on("upgrade", (request: IncomingMessage, socket: Socket, head: Buffer) => {
      void this.#handleUpgrade(request, socket, head);
    });
    this.#proxy = createProxyServer({ agent: this.#agent, xfwd: true });
    this.#proxy.on("proxyRes", (answer, request) => this.#applyResponseChanges(answer, request));
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
    const passage = this.#route(request);
    if (!passage) {
      answerJson(response, 404, { message: "no Route matched with those values" });
      return;
    }
    const left = new AbortController();
    response.once("close", () => {
      if (!response.writableFinished) left.abort();
    });
    const mayPass = await this.#access(passage, response, left.signal);
    response.once("close", () => this.#finish(passage, response.statusCode));
    // It may have closed while the plugin decided: then nobody will say so again.
    if (response.closed) this.#finish(passage, clientClosedRequest);
    else if (mayPass) await this.#proxy.web(request, response, this.#target(passage, request));
  }

  async #handleUpgrade(request: IncomingMessage, socket: Socket, head: Buffer): Promise<void> {
    const passage = this.#route(request);
    socket.on("error", () => socket.destroy());
    const left = new AbortController();
    socket.once("close", () => left.abort());
    const refusal = new ServerResponse(request);
    refusal.assignSocket(socket);
    if (!passage) {
      answerJson(refusal, 404, { message: "no Route matched with those values" });
      socket.end();
      return;
    }
    const mayPass = await this.#access(passage, refusal, left.signal);
    if (!mayPass || socket.destroyed) {
      this.#finish(passage, socket.destroyed ? clientClosedRequest : refusal.statusCode);
      socket.end();
      return;
    }
    refusal.detachSocket(socket);
    this.#upgraded.add(socket);
    socket.once("close", () => {
      this.#upgraded.delete(socket);
      this.#finish(passage, 101);
    });
    await this.#proxy.ws(request, socket, this.#target(passage, request), head);
  }

  #route(request: IncomingMessage): Passage | undefined {
    const { path, host } = locate(request);
    const ingressRoutes = this.#options.routes.map(({ ingress }) => ingress);
    const matched = matchRoute(ingressRoutes, host, path);
    const route = this.#options.routes.find(({ ingress }) => ingress === matched);
    if (!route) return undefined;
    const exchange = toExchange(request, route, this.port);
    const passage: Passage = {
      exchange,
      backend: route.ingress.service.metadata.name,
      plugin: route.plugin,
      upstream: route.upstream,
    };
    this.#passages.set(request, passage);
    this.#record("request.arrived", passage, { method: exchange.request.method, path });
    return passage;
  }

  /** Runs the plugin's `access`; answers the request itself unless it may pass. */
  async #access(passage: Passage, response: ServerResponse, left: AbortSignal): Promise<boolean> {
    const { exchange, plugin } = passage;
    if (!plugin) return true;
    const outcome = await this.#options.kong.access(plugin, exchange, left).catch(() => undefined);
    if (!outcome) {
      // The client left while it was held: for Kong the request was not proxied and ends as an error.
      exchange.response = { status: clientClosedRequest, headers: {}, source: "error" };
      return false;
    }
    if (outcome.kind === "proxy") return true;
    if (outcome.kind === "exit") {
      exchange.response = { status: outcome.status, headers: outcome.headers, source: "exit" };
      response.writeHead(outcome.status, outcome.headers as Record<string, string | string[]>);
      response.end(outcome.body);
    } else {
      exchange.response = { status: outcome.status, headers: {}, source: "error" };
      this.#record("plugin.failed", passage, { reason: outcome.reason });
      answerJson(response, outcome.status, { message: "An unexpected error occurred" });
    }
    return false;
  }

  #target({ exchange, upstream }: Passage, request: IncomingMessage): { target: string } {
    const { target = upstream, headers, path } = exchange.upstream;
    request.headers = headers.applyTo(exchange.request.headers) as IncomingMessage["headers"];
    const query = exchange.request.rawQuery;
    if (path !== undefined) request.url = query === "" ? path : `${path}?${query}`;
    this.#recordProxied(request);
    return { target: `http://${target.host}:${target.port}` };
  }

  #recordProxied(request: IncomingMessage): void {
    const passage = this.#passages.get(request);
    if (passage) this.#record("request.proxied", passage, {});
  }

  #applyResponseChanges(answer: IncomingMessage, request: IncomingMessage): void {
    const passage = this.#passages.get(request);
    if (!passage) return;
    const headers = answer.headers as Record<string, string | string[]>;
    passage.exchange.response = { status: answer.statusCode ?? 200, headers, source: "service" };
    answer.headers = passage.exchange.responseHeaders.applyTo(headers) as IncomingMessage["headers"];
  }

  #fail(error: Error, request?: IncomingMessage, response?: ServerResponse | Socket): void {
    const passage = request && this.#passages.get(request);
    // A client that left mid-way is its own affair; what the backend had answered until then stands.
    if (passage) {
      passage.exchange.response ??= { status: 502, headers: {}, source: "error" };
      this.#record("upstream.failed", passage, { reason: error.message });
    }
    if (!(response instanceof ServerResponse)) response?.destroy();
    else if (response.headersSent) response.destroy();
    else answerJson(response, 502, { message: "An invalid response was received from the upstream server" });
  }

  /** The end of a request: the log phase, off its path. */
  #finish(passage: Passage, status: number): void {
    const { exchange, plugin } = passage;
    exchange.response ??= { status, headers: {}, source: "service" };
    this.#record("request.answered", passage, { status: exchange.response.status });
    if (plugin) void this.#options.kong.log(plugin, exchange);
  }

  #record(event: string, { exchange, backend }: Passage, fields: Record<string, unknown>): void {
    this.#options.journal.record("gateway", event, { request: exchange.id, backend, ...fields });
  }
}

function locate(request: IncomingMessage): { path: string; host: string } {
  const [path = "/"] = (request.url ?? "/").split("?", 1);
  const host = (request.headers.host ?? "").replace(/:\d+$/, "");
  return { path, host };
}

function answerJson(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { "content-type": "application/json; charset=utf-8" });
  response.end(JSON.stringify(body));
}
