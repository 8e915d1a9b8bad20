import type { Headers } from "@kong-serverless/kong-protocol";

import type { Exchange } from "../exchange.ts";
import { normalizePath } from "../normalize-path.ts";
import type { HostPdk } from "./context.ts";
import { firstHeader, firstHeaders } from "./headers.ts";

/** `kong.request`: the request as the client sent it, except for header changes, which Kong makes in place. */
export const request: HostPdk["request"] = {
  getScheme: ({ exchange }) => exchange.request.scheme,
  getHost: ({ exchange }) => exchange.request.host,
  getPort: ({ exchange }) => exchange.request.port,
  // Kong trusts `x-forwarded-*` only from addresses in `trusted_ips`, which is empty by default.
  getForwardedScheme: ({ exchange }) => exchange.request.scheme,
  getForwardedHost: ({ exchange }) => exchange.request.host,
  getForwardedPort: ({ exchange }) => exchange.request.port,
  getHttpVersion: () => 1.1,
  getMethod: ({ exchange }) => exchange.request.method,
  getPath: ({ exchange }) => normalizePath(exchange.request.path),
  getPathWithQuery: ({
    exchange: {
      request: { path, rawQuery },
    },
  }) => (rawQuery === "" ? path : `${path}?${rawQuery}`),
  getRawQuery: ({ exchange }) => exchange.request.rawQuery,
  getQueryArg: ({ exchange }, name) => firstHeader(parseQuery(exchange), name),
  getQuery: ({ exchange }, maximum = 100) => firstHeaders(parseQuery(exchange), maximum),
  getHeader: ({ exchange }, name) => firstHeader(requestHeaders(exchange), name),
  getHeaders: ({ exchange }, maximum = 100) => firstHeaders(requestHeaders(exchange), maximum),
  getRawBody: ({ exchange }) => ({ content: exchange.request.body ?? new Uint8Array(0) }),
};

function requestHeaders(exchange: Exchange): Headers {
  return exchange.upstream.headers.applyTo(exchange.request.headers);
}

function parseQuery({ request: { rawQuery } }: Exchange): Headers {
  const query: Record<string, string | string[]> = {};
  for (const [name, value] of new URLSearchParams(rawQuery)) {
    const before = query[name];
    if (before === undefined) query[name] = value;
    else query[name] = [before, value].flat();
  }
  return query;
}
