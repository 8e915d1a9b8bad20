import type { Headers } from "@kong-serverless/kong-protocol";

import type { Exchange, ExchangeResponse } from "../exchange.ts";
import type { HostPdk } from "./context.ts";
import { firstHeader, firstHeaders, toList } from "./headers.ts";

/** `kong.response.exit`: as in Kong, it unwinds the stack. */
export class PluginExit {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Uint8Array;

  constructor(status: number, headers: Headers, body: Uint8Array) {
    this.status = status;
    this.headers = headers;
    this.body = body;
  }
}

/** `kong.response`: in `log`, the response that was sent; in `access`, changes to the response to come. */
export const response: HostPdk["response"] = {
  getStatus: ({ exchange }) => given(exchange).status,
  getHeader: ({ exchange }, name) => firstHeader(given(exchange).headers, name),
  getHeaders: ({ exchange }, maximum = 100) => firstHeaders(given(exchange).headers, maximum),
  getSource: ({ exchange }) => given(exchange).source,
  // Whatever answers in the end sets its own status.
  setStatus: () => undefined,
  setHeader: ({ exchange }, name, value) => exchange.responseHeaders.set(name, toList(value)),
  addHeader: ({ exchange }, name, value) => {
    for (const each of toList(value)) exchange.responseHeaders.add(name, each);
  },
  clearHeader: ({ exchange }, name) => exchange.responseHeaders.clear(name),
  setHeaders: ({ exchange }, headers) => {
    for (const [name, value] of Object.entries(headers)) exchange.responseHeaders.set(name, toList(value));
  },
  exit({ exchange }, status, body, headers = {}) {
    const own = Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]);
    const all = { ...exchange.responseHeaders.applyTo({}), ...(Object.fromEntries(own) as Headers) };
    throw new PluginExit(
      status,
      all,
      typeof body === "string" ? Buffer.from(body) : (body ?? new Uint8Array(0)),
    );
  },
};

function given(exchange: Exchange): ExchangeResponse {
  if (!exchange.response) throw new Error("this exchange has no response yet");
  return exchange.response;
}
