import { ConfigError, parseConfig } from "@kong-serverless/config";
import { type Log, type Problem, problem, ServerlessError } from "@kong-serverless/runtime";
import type { Context, ErrorHandler } from "hono";
import { HTTPException } from "hono/http-exception";
import type { z } from "zod";

/** A problem as a route's answer, with `retry-after` where trying again may help. */
export function answerProblem(told: Problem): Response {
  const { status, headers, body } = problem(told);
  const mayPass = status === 503 || status === 429;
  return new Response(body, { status, headers: { ...headers, ...(mayPass && { "retry-after": "5" }) } });
}

/** Parses what a client sent. Fails with REQUEST_INVALID, which names what was found and what is allowed. */
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
  return answerProblem({ code: "NOT_FOUND", detail: `There is no ${c.req.method} ${c.req.path} here.` });
}

/** The answer to an error that a route threw: known errors in their own words, others as 500 with a log line. */
export function answerError(log: Log): ErrorHandler {
  return (error, c) => {
    // The route ended because the client left: nobody reads this answer.
    if (c.req.raw.signal.aborted) return c.body(null);
    if (error instanceof ServerlessError) return answerProblem({ code: error.code, detail: error.message });
    if (error instanceof HTTPException) return answerProblem({ status: error.status, detail: error.message });
    log.error({ error, method: c.req.method, path: c.req.path }, "request.failed");
    return answerProblem({ status: 500, detail: "Something went wrong; see this replica's log." });
  };
}
