import type { Headers } from "@kong-serverless/kong-protocol";

export function firstHeader(headers: Headers, name: string): string | undefined {
  const value = headers[name.toLowerCase()];
  return typeof value === "string" ? value : value?.[0];
}

/** The first `maximum` headers: Kong reads no more. */
export function firstHeaders(headers: Headers, maximum: number): Headers {
  return Object.fromEntries(Object.entries(headers).slice(0, maximum));
}

export function toList(value: string | readonly string[]): readonly string[] {
  return typeof value === "string" ? [value] : value;
}
