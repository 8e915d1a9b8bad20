import { randomUUID } from "node:crypto";

import type { JsonValue } from "@bufbuild/protobuf";
import type { Headers, KongRoute, KongService } from "@kong-serverless/kong-protocol";

import { HeaderChanges } from "./header-changes.ts";

export interface ExchangeRequest {
  readonly method: string;
  readonly scheme: string;
  /** Without a port. */
  readonly host: string;
  readonly port: number;
  /** As the client sent it: percent-encoded, without the query. */
  readonly path: string;
  /** Without the question mark; empty when there is none. */
  readonly rawQuery: string;
  /** Names in lower case, `host` among them. */
  readonly headers: Headers;
  readonly clientIp: string;
  readonly body?: Uint8Array;
}

export interface ExchangeResponse {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: Headers;
  /** `service`: the upstream answered. `error`: Kong did, because it could not. `exit`: a plugin ended the request. */
  readonly source: "service" | "error" | "exit";
}

/** What a plugin changed in the request that goes upstream; absent fields are as the client sent them. */
export interface UpstreamChanges {
  readonly headers: HeaderChanges;
  target?: { readonly host: string; readonly port: number };
  /** Name of a Kong upstream. */
  upstream?: string;
  scheme?: string;
  method?: string;
  path?: string;
  rawQuery?: string;
  body?: Uint8Array;
}

export interface ExchangeOptions {
  readonly request: ExchangeRequest;
  readonly route?: KongRoute;
  readonly service?: KongService;
  /** The consumer that Kong authenticated the client as. */
  readonly consumer?: { readonly id: string };
  /** nginx variables besides those that follow from the request. */
  readonly variables?: Readonly<Record<string, string>>;
}

/** A request and its response on their way through Kong, with what plugins changed. */
export class Exchange {
  /** nginx's `$request_id`: 32 hex digits. */
  readonly id = randomUUID().replaceAll("-", "");
  readonly startedAtMs = Date.now();
  readonly request: ExchangeRequest;
  readonly route?: KongRoute;
  readonly service?: KongService;
  readonly consumer?: { readonly id: string };
  readonly variables: Readonly<Record<string, string>>;
  /** `kong.ctx.shared`. */
  readonly shared = new Map<string, JsonValue>();
  readonly upstream: UpstreamChanges = { headers: new HeaderChanges() };
  /** Changes to the headers of the response, wherever it comes from. */
  readonly responseHeaders = new HeaderChanges();
  /** The gateway sets it before `KongHost.log`. */
  response?: ExchangeResponse;

  constructor(options: ExchangeOptions) {
    this.request = options.request;
    if (options.route) this.route = options.route;
    if (options.service) this.service = options.service;
    if (options.consumer) this.consumer = options.consumer;
    this.variables = options.variables ?? {};
  }
}
