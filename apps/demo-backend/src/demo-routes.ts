import { hostname } from "node:os";

import { pause, ServerlessError, withDeadline } from "@kong-serverless/runtime";
import { Hono } from "hono";
import { stream } from "hono/streaming";
import * as z from "zod";

import { answerProblem, parseRequest } from "./problem.ts";

const whole = (min: number, max: number) => z.coerce.number().pipe(z.int().min(min).max(max));

/** Well below the 60 s after which a gateway usually gives up. */
const slowQuery = z.object({ ms: whole(0, 30_000).default(500) });
const streamQuery = z.object({
  chunks: whole(1, 100).default(5),
  intervalMs: whole(0, 5000).default(200),
});

/** What a gateway adds: which way the request came, and whether it had to wait. */
const gatewayHeader = /^(x-forwarded-|x-kong-|x-serverless-|forwarded$|via$|host$|user-agent$|traceparent$)/;

/** How long `GET /chain` waits for the next service: it should be up, because it is woken together with this one. */
const chainTimeoutMs = 5000;

/** Routes worth proxying: who answers, a slow answer, a streamed one, and who answers in the next service if there is one. */
export function demoRoutes(nextUrl?: string): Hono {
  const startedAt = new Date().toISOString();
  const replica = { hostname: hostname(), pid: process.pid, startedAt };
  const app = new Hono();
  if (nextUrl !== undefined) {
    app.get("/chain", async (c) => {
      const late = () => new ServerlessError("NOT_READY_IN_TIME", `no answer within ${chainTimeoutMs} ms`);
      using deadline = withDeadline(chainTimeoutMs, late, c.req.raw.signal);
      try {
        const response = await fetch(nextUrl, { signal: deadline.signal });
        return c.json({ answeredBy: replica, next: await response.json() });
      } catch (error) {
        return answerProblem({ status: 502, detail: `${nextUrl} gave no answer: ${String(error)}` });
      }
    });
  }
  return app
    .get("/", (c) => {
      const headers = Object.entries(c.req.header()).filter(([name]) => gatewayHeader.test(name));
      return c.json({ answeredBy: replica, request: { headers: Object.fromEntries(headers) } });
    })
    .get("/slow", async (c) => {
      const { ms } = parseRequest(slowQuery, c.req.query(), "The query");
      await pause(ms, c.req.raw.signal);
      return c.json({ answeredBy: replica, sleptMs: ms });
    })
    .get("/stream", (c) => {
      const { chunks, intervalMs } = parseRequest(streamQuery, c.req.query(), "The query");
      c.header("content-type", "text/plain; charset=utf-8");
      return stream(c, async (body) => {
        for (let chunk = 1; chunk <= chunks && !body.aborted; chunk += 1) {
          // Ends early when the client leaves: what is written then goes nowhere, which is not an error.
          if (chunk > 1) await pause(intervalMs, c.req.raw.signal);
          await body.write(`chunk ${chunk} of ${chunks} from ${replica.hostname}/${replica.pid}\n`);
        }
      });
    });
}
