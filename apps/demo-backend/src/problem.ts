import { STATUS_CODES } from "node:http";

import { ConfigError, parseConfig } from "@kong-serverless/config";
import { type ErrorCodeName, type Log, ServerlessError } from "@kong-serverless/runtime";
import type { Context, ErrorHandler } from "hono";
import { HTTPException } from "hono/http-exception";
import type { z } from "zod";

export interface Problem {
  readonly status: number;
  readonly detail: string;
  /** See docs/errors.md. */
  readonly code?: ErrorCodeName;
  /** Further members of the answer. */
  readonly more?: Readonly<Record<string, unknown>>;
}

const retryAfterSeconds = 5;

/** An error as https://www.rfc-editor.org/rfc/rfc9457 wants it told. */
export function problem({ status, detail, code, more }: Problem): Response {
  const title = STATUS_CODES[status] ?? "Error";
  return Response.json(
    { type: "about:blank", title, status, detail, code, ...more },
    {
      status,
      headers: {
        "content-type": "application/problem+json",
        ...((status === 503 || status === 429) && { "retry-after": String(retryAfterSeconds) }),
      },
    },
  );
}

/** Parses what a client sent. Fails with REQUEST_INVALID, which says what was found and what is allowed. */
export function parseRequest<Schema extends z.ZodType>(
  schema: Schema,
  value: unknown,
  source: string,
): z.output<Schema> {
  try {
    return parseConfig(schema, value, source);
  } catch (cause) {
    if (cause instanceof ConfigError) throw new ServerlessError("REQUEST_INVALID", cause.message, { cause });
    throw cause;
  }
}

export function answerUnknownRoute(c: Context): Response {
  return problem({
    status: 404,
    code: "NOT_FOUND",
    detail: `There is no ${c.req.method} ${c.req.path} here.`,
  });
}

/** Answers what a route threw: known errors with what they say, others with 500 and a line in the log. */
export function answerError(log: Log): ErrorHandler {
  return (error, c) => {
    // The client has left, which is what ended the route. Nobody reads this answer.
    if (c.req.raw.signal.aborted) return c.body(null);
    if (error instanceof ServerlessError) {
      return problem({ status: error.status, code: error.code, detail: error.message });
    }
    if (error instanceof HTTPException) return problem({ status: error.status, detail: error.message });
    log.error({ error, method: c.req.method, path: c.req.path }, "request.failed");
    return problem({ status: 500, detail: "Something went wrong here; the log of this replica says what." });
  };
}
