import type { IncomingMessage, ServerResponse } from "node:http";

import type { Exchange, KongHost } from "@kong-serverless/kong-host";

import type { Journal } from "../journal.ts";
import { answerJson } from "./answer-json.ts";
import { toExchange } from "./exchange-of.ts";
import type { GatewayRoute } from "./gateway-route.ts";

export interface ProxiedRequestOptions {
  readonly request: IncomingMessage;
  readonly route: GatewayRoute;
  /** The gateway's. */
  readonly port: number;
  readonly kong: KongHost;
  readonly journal: Journal;
}

/** nginx's status for a client that left before it was answered. */
const clientClosedRequest = 499;

/** A request on its way through the gateway: the plugin's phases and its journal entries. */
export class ProxiedRequest {
  readonly #options: ProxiedRequestOptions;
  readonly #exchange: Exchange;

  constructor(options: ProxiedRequestOptions) {
    this.#options = options;
    this.#exchange = toExchange(options.request, options.route, options.port);
    const { method, path } = this.#exchange.request;
    this.#record("request.arrived", { method, path });
  }

  /** Runs the plugin's `access`, and answers the request itself unless it may pass. */
  async access(response: ServerResponse, left: AbortSignal): Promise<boolean> {
    const exchange = this.#exchange;
    const { plugin } = this.#options.route;
    if (!plugin) return true;
    // It rejects only when the client leaves.
    const outcome = await this.#options.kong.access(plugin, exchange, left).catch(() => undefined);
    if (!outcome || left.aborted) {
      // It was not proxied, which Kong logs as an error.
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
      this.#record("plugin.failed", { reason: outcome.reason });
      answerJson(response, outcome.status, { message: "An unexpected error occurred" });
    }
    return false;
  }

  /** Applies the plugin's changes to the request, and returns where to send it. */
  forward(request: IncomingMessage): { readonly target: string } {
    const { rawQuery, headers } = this.#exchange.request;
    const { target = this.#options.route.upstream, headers: changes, path } = this.#exchange.upstream;
    request.headers = changes.applyTo(headers) as IncomingMessage["headers"];
    if (path !== undefined) request.url = rawQuery === "" ? path : `${path}?${rawQuery}`;
    this.#record("request.proxied", {});
    return { target: `http://${target.host}:${target.port}` };
  }

  /** Applies the plugin's changes to the head of the upstream's answer. */
  answered(answer: IncomingMessage): void {
    const headers = answer.headers as Record<string, string | string[]>;
    this.#exchange.response = { status: answer.statusCode ?? 200, headers, source: "service" };
    answer.headers = this.#exchange.responseHeaders.applyTo(headers) as IncomingMessage["headers"];
  }

  /** The upstream failed. Returns whether the client can still be answered. */
  failed(error: Error): boolean {
    const isUnanswered = this.#exchange.response === undefined;
    if (isUnanswered) this.#exchange.response = { status: 502, headers: {}, source: "error" };
    this.#record("upstream.failed", { reason: error.message });
    return isUnanswered;
  }

  /** The request is over: runs the log phase, off its path. */
  finish(): void {
    const { plugin } = this.#options.route;
    // No answer and no failure: the client left while the upstream worked.
    this.#exchange.response ??= { status: clientClosedRequest, headers: {}, source: "service" };
    this.#record("request.answered", { status: this.#exchange.response.status });
    if (plugin) void this.#options.kong.log(plugin, this.#exchange);
  }

  #record(event: string, fields: Readonly<Record<string, unknown>>): void {
    const service = this.#options.route.ingress.service.metadata.name;
    this.#options.journal.record("gateway", event, { request: this.#exchange.id, service, ...fields });
  }
}
