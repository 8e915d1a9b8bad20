import type { Headers } from "@kong-serverless/kong-protocol";
import { problem } from "@kong-serverless/runtime";

/** The arguments of `kong.response.exit`. */
export interface ExitAnswer {
  readonly status: number;
  readonly body: string;
  readonly headers: Headers;
}

/** The answer to a request whose plugin failed: it names the code, never the error itself. */
export function failureAnswer(code: "PLUGIN_FAILED" | "PLUGIN_STOPPED"): ExitAnswer {
  return problem({ code, retryAfterSeconds: 1 });
}
