import type { Headers } from "@kong-serverless/kong-protocol";
import { errorCodes } from "@kong-serverless/runtime";

/** The arguments of `kong.response.exit`. */
export interface ExitAnswer {
  readonly status: number;
  readonly body: string;
  readonly headers: Headers;
}

/** The answer to a request whose plugin failed, as an RFC 9457 problem: it names the code, never the error itself. */
export function failureAnswer(code: "PLUGIN_FAILED" | "PLUGIN_STOPPED"): ExitAnswer {
  const { status, meaning } = errorCodes[code];
  return {
    status,
    body: JSON.stringify({ title: meaning, status, code }),
    headers: { "content-type": "application/problem+json", "retry-after": "1" },
  };
}
