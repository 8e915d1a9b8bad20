import { Exchange, type ExchangeResponse, KongHost, type PluginEntity } from "@kong-serverless/kong-host";

import { PluginSide, type PluginSideOptions } from "./plugin-side.ts";

export interface TestRequest {
  readonly method?: string;
  /** As the client sent it, with the query. */
  readonly path?: string;
  readonly host?: string;
  /** The consumer that Kong has authenticated the client as. */
  readonly consumer?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Aborts when the client leaves. */
  readonly signal?: AbortSignal;
}

export interface TestGatewayOptions extends PluginSideOptions {
  /** The plugin's configuration. */
  readonly config: Readonly<Record<string, unknown>>;
  /** Where requests are forwarded, and where a backend without `upstream` is probed. */
  readonly serviceUrl: string;
  readonly routePaths?: readonly string[];
  readonly workers?: number;
}

export interface TestResponse extends ExchangeResponse {
  readonly body: string;
  readonly exchange: Exchange;
}

/** A gateway with one route: the real plugin server in its own process, driven as Kong drives it. */
export class TestGateway extends PluginSide {
  readonly #options: TestGatewayOptions;
  host: KongHost;
  #config: TestGatewayOptions["config"];
  #seq = 1;

  private constructor(options: TestGatewayOptions, directory: AsyncDisposable & { readonly path: string }) {
    super(options, directory);
    this.#options = options;
    this.#config = options.config;
    this.host = new KongHost({ socketPath: this.socketPath, workers: options.workers ?? 1 });
  }

  /** Resolves once the plugin server takes requests. */
  static async start(options: TestGatewayOptions): Promise<TestGateway> {
    const gateway = new TestGateway(options, await PluginSide.makeDirectory());
    await gateway.started();
    return gateway;
  }

  /** Gives the route another configuration, as a reload does. */
  reload(config: TestGatewayOptions["config"]): void {
    this.#config = config;
    this.#seq += 1;
  }

  /** The route's plugin entity, or that of another route with a configuration of its own. */
  entity(routeId = "route", config = this.#config): PluginEntity {
    return {
      id: `plugin-${routeId}`,
      name: "serverless",
      config,
      routeId,
      serviceId: "service",
      seq: this.#seq,
    };
  }

  exchange({
    method = "GET",
    path = "/",
    host = "demo.example",
    headers = {},
    consumer,
  }: TestRequest = {}): Exchange {
    const url = new URL(this.#options.serviceUrl);
    const [rawPath = "/", rawQuery = ""] = path.split("?");
    return new Exchange({
      request: {
        method,
        scheme: "http",
        host,
        port: 80,
        path: rawPath,
        rawQuery,
        headers: { host, "user-agent": "test", ...headers },
        clientIp: "127.0.0.1",
      },
      route: { id: "route", paths: this.#options.routePaths ?? ["/"], strip_path: true },
      service: { id: "service", protocol: "http", host: url.hostname, port: Number(url.port) },
      ...(consumer !== undefined && { consumer: { id: consumer } }),
    });
  }

  /** Plays one request from its arrival to its log: `access`, forwarding, `log`. Rejects when the client leaves. */
  async request(request: TestRequest = {}, entity = this.entity()): Promise<TestResponse> {
    const exchange = this.exchange(request);
    try {
      const answer = await this.#answer(exchange, entity, request.signal);
      exchange.response = { ...answer, headers: exchange.responseHeaders.applyTo(answer.headers) };
      return { ...exchange.response, body: answer.body, exchange };
    } catch (error) {
      // Kong's log of a request whose client has left.
      exchange.response = { status: 499, headers: {}, source: "error" };
      throw error;
    } finally {
      await this.host.log(entity, exchange);
    }
  }

  override async [Symbol.asyncDispose](): Promise<void> {
    await this.host.close();
    await super[Symbol.asyncDispose]();
  }

  async #answer(
    exchange: Exchange,
    entity: PluginEntity,
    signal: AbortSignal | undefined,
  ): Promise<ExchangeResponse & { readonly body: string }> {
    const outcome = await this.host.access(entity, exchange, signal);
    if (outcome.kind === "exit") {
      const { status, headers, body } = outcome;
      return { status, headers, body: Buffer.from(body).toString(), source: "exit" };
    }
    if (outcome.kind === "error") return { status: 500, headers: {}, body: "", source: "error" };
    return this.#forward(exchange, signal);
  }

  async #forward(
    exchange: Exchange,
    signal: AbortSignal | undefined,
  ): Promise<ExchangeResponse & { readonly body: string }> {
    const { path, headers } = exchange.request;
    const { target } = exchange.upstream;
    const url = target === undefined ? this.#options.serviceUrl : `http://${target.host}:${target.port}`;
    try {
      const response = await fetch(url + path, {
        headers: exchange.upstream.headers.applyTo(headers) as Record<string, string>,
        ...(signal !== undefined && { signal }),
      });
      const body = await response.text();
      return {
        status: response.status,
        headers: Object.fromEntries(response.headers),
        body,
        source: "service",
      };
    } catch {
      signal?.throwIfAborted();
      return { status: 502, headers: {}, body: "", source: "error" };
    }
  }
}
