import { type ErrorCodeName, problem as problemAnswer } from "@kong-serverless/runtime";

/** The arguments of `kong.response.exit`. */
export interface Answer {
  readonly status: number;
  readonly body: string;
  readonly headers: Readonly<Record<string, string>>;
}

export interface Refusal {
  readonly code: ErrorCodeName;
  readonly backend: string;
  readonly retryAfterMs: number;
}

/** Answers a request that cannot be proxied: a problem with a stable code. */
export function problem({ code, backend, retryAfterMs }: Refusal): Answer {
  const { headers, ...answer } = problemAnswer({ code, more: { backend } });
  return { ...answer, headers: { ...headers, ...commonHeaders(retryAfterMs) } };
}

/** Headers of every answer that asks the client to retry. */
export function commonHeaders(retryAfterMs: number): Record<string, string> {
  return { "cache-control": "no-store", "retry-after": String(toSeconds(retryAfterMs)) };
}

export function toSeconds(ms: number): number {
  return Math.max(1, Math.ceil(ms / 1000));
}
