import http from "node:http";
import https from "node:https";

import { ServerlessError, withDeadline } from "@kong-serverless/runtime";

export interface TimedRequest {
  readonly url: URL;
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  /** For the whole request, in milliseconds. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/** A point in the life of a request. */
export type Moment = "resolved" | "connected" | "secured" | "sent" | "first byte" | "answered";

export interface TimedResponse {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  /** The first byte of the body. */
  readonly body: string;
  /** Milliseconds since the start; a point that was skipped (no lookup for an IP address) is absent. */
  readonly moments: ReadonlyMap<Moment, number>;
}

const keptBodyBytes = 16_384;

/**
 * Sends one request on its own connection and notes when it reached each point. Does not follow redirects. Throws
 * TRACE_FAILED with the last point reached.
 */
export async function sendTimed(options: TimedRequest): Promise<TimedResponse> {
  const { url, method, headers, timeoutMs } = options;
  const startedAtMs = performance.now();
  const moments = new Map<Moment, number>();
  const note = (moment: Moment) => moments.set(moment, performance.now() - startedAtMs);
  using deadline = withDeadline(
    timeoutMs,
    () => new Error(`no answer within ${timeoutMs} ms`),
    options.signal,
  );
  try {
    const { promise, resolve, reject } = Promise.withResolvers<http.IncomingMessage>();
    const { request } = url.protocol === "https:" ? https : http;
    const sending = request(url, { method, headers, agent: false, signal: deadline.signal }, resolve);
    sending.once("socket", (socket) => {
      socket.once("lookup", () => note("resolved"));
      socket.once("connect", () => note("connected"));
      socket.once("secureConnect", () => note("secured"));
    });
    sending.once("finish", () => note("sent"));
    sending.once("error", reject).end();
    const response = await promise;
    note("first byte");
    const body = await readBeginning(response);
    note("answered");
    return { status: response.statusCode ?? 0, headers: response.headers, body, moments };
  } catch (error) {
    const { message } = deadline.signal.aborted ? (deadline.signal.reason as Error) : (error as Error);
    const reached = [...moments.keys()].at(-1) ?? "nothing";
    throw new ServerlessError(
      "TRACE_FAILED",
      `${method} ${url.href}: ${message}; it came as far as: ${reached}.`,
      {
        cause: error,
      },
    );
  }
}

async function readBeginning(response: http.IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    if (bytes < keptBodyBytes) chunks.push(chunk);
    bytes += chunk.length;
  }
  return Buffer.concat(chunks).subarray(0, keptBodyBytes).toString();
}
