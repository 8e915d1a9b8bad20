import http from "node:http";
import https from "node:https";
import { isIP, type Socket } from "node:net";

import { withDeadline } from "@kong-serverless/runtime";

import { connect } from "./connect.ts";
import { NameResolver } from "./name-resolver.ts";
import { redirectOf } from "./redirect.ts";
import { SharedLookup } from "./shared-lookup.ts";

export interface ProbeTarget {
  /** Absolute http: or https: address of the readiness URL. */
  readonly url: string;
  /** Milliseconds after which a probe without an answer has failed. */
  readonly timeoutMs: number;
  /** Milliseconds that connecting to an address may take. Default 100. */
  readonly connectTimeoutMs?: number;
  /** Status codes that mean ready, inclusive. Default 200 to 399, as for a kubelet. */
  readonly statuses?: { readonly min: number; readonly max: number };
  readonly headers?: Readonly<Record<string, string>>;
}

export interface ProbeResult {
  readonly isReady: boolean;
  /** Status code of the answer, when there was one. */
  readonly status?: number;
  /** Why there was no answer, for a log. */
  readonly error?: string;
  readonly durationMs: number;
}

interface ProbeRequest {
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly connectTimeoutMs: number;
  readonly signal: AbortSignal;
}

/** As in a kubelet: a readiness answer is a few bytes, and a body is not read beyond these. */
const maxDrainedBytes = 10 * 1024;
const maxRedirects = 9;
const maxHeaderBytes = 64 * 1024;

const defaultHeaders: Readonly<Record<string, string>> = {
  accept: "*/*",
  "user-agent": "kong-serverless-probe",
};

// Keep-alive saves each renewal of a ready backend's lease a handshake. Idle connections do not keep the process alive.
const agentOptions = { keepAlive: true, maxFreeSockets: 2 };
// Certificates are not verified, as in a kubelet: those of pods are mostly self-signed and for other names. An impostor gets
// the probe's headers, and later the requests, since by default Kong does not verify the certificate either.
// https://kubernetes.io/docs/tasks/configure-pod-container/configure-liveness-readiness-startup-probes/#http-probes
const unverified = { rejectUnauthorized: false };

/** Uses the connection that was made for the request. */
class HttpAgent extends http.Agent {
  override createConnection(...[options, callback]: Parameters<http.Agent["createConnection"]>) {
    return (options as Partial<ProbeConnection>).socket ?? super.createConnection(options, callback);
  }
}

const transports = {
  "http:": { request: http.request, agent: new HttpAgent(agentOptions), defaultPort: 80 },
  "https:": {
    request: https.request,
    agent: new https.Agent({ ...agentOptions, ...unverified }),
    defaultPort: 443,
  },
};
type Transport = (typeof transports)[keyof typeof transports];
const resolver = new NameResolver();
const { lookup } = new SharedLookup((hostname) => resolver.resolve(hostname));

/**
 * Probes a readiness URL once, as a kubelet does (docs/probes.md lists the differences). Never rejects: any failure is a
 * result that is not ready, within `timeoutMs`. The status line decides; the body is not awaited.
 *
 * @example
 * const { isReady } = await probe({ url: "http://127.0.0.1:8080/healthz", timeoutMs: 1000 });
 */
export async function probe(target: ProbeTarget, signal?: AbortSignal): Promise<ProbeResult> {
  const startedAt = performance.now();
  const { timeoutMs, connectTimeoutMs = 100 } = target;
  const { min, max } = target.statuses ?? { min: 200, max: 399 };
  const result = (outcome: Omit<ProbeResult, "durationMs">): ProbeResult => ({
    ...outcome,
    durationMs: performance.now() - startedAt,
  });
  if (signal?.aborted) return result({ isReady: false, error: "aborted" });

  using deadline = withDeadline(timeoutMs, () => new Error(`no answer within ${timeoutMs} ms`), signal);
  try {
    let url = new URL(target.url);
    let headers = headersFor(target.headers);
    for (let redirects = 0; ; redirects += 1) {
      const { response, isReused } = await ask({ url, headers, connectTimeoutMs, signal: deadline.signal });
      const status = response.statusCode ?? 0;
      const isReady = status >= min && status <= max;
      // A kept connection leads to the same pod, while another pod of the Service may be ready: after an answer that is not
      // ready, it serves one more probe at most.
      if (isReady || !isReused) drain(response, startedAt + timeoutMs - performance.now());
      else response.destroy();
      const next = redirectOf(response, url);
      if (next === undefined) return result({ isReady, status });
      if (redirects === maxRedirects)
        return result({ isReady: false, status, error: `stopped after ${maxRedirects + 1} redirects` });
      url = next.url;
      if (next.isAbsolute) headers = without(headers, "host");
    }
  } catch (error) {
    return result({ isReady: false, error: signal?.aborted ? "aborted" : describe(error as Error) });
  }
}

interface ProbeResponse {
  /** Received up to the end of its headers. */
  readonly response: http.IncomingMessage;
  /** Whether its connection had been used before. */
  readonly isReused: boolean;
}

interface ProbeConnection {
  /** Made for this request; without it a kept one is used. */
  readonly socket: Socket | undefined;
  readonly servername: string;
}

async function ask(probeRequest: ProbeRequest): Promise<ProbeResponse> {
  const { url, headers, connectTimeoutMs: limitMs, signal } = probeRequest;
  const transport = transports[url.protocol as keyof typeof transports];
  if (transport === undefined) throw new TypeError(`cannot probe ${url.href}: not an http or https address`);
  const { agent, defaultPort } = transport;
  const host = url.hostname.replace(/^\[|\]$/g, "");
  const port = Number(url.port) || defaultPort;
  const servername = serverNameFor(headers["host"] ?? url.hostname);
  const isKept = agent.freeSockets[agent.getName({ host, port, servername, ...unverified })] !== undefined;
  // Until a sleeping backend takes a connection, Node's HTTP client would be two thirds of a probe's cost.
  const socket = isKept ? undefined : await connect({ host, port, limitMs, lookup, signal });
  return await send(probeRequest, transport, { socket, servername });
}

function send(
  probeRequest: ProbeRequest,
  { request: startRequest, agent }: Transport,
  connection: ProbeConnection,
): Promise<ProbeResponse> {
  const { url, headers, signal } = probeRequest;
  return new Promise((resolve, reject) => {
    // Another probe may have decided while this one connected.
    if (signal.aborted) {
      connection.socket?.destroy();
      throw signal.reason;
    }
    const options: http.RequestOptions & ProbeConnection = {
      ...connection,
      agent,
      headers,
      // A kubelet's HTTP client accepts what Node's refuses by default: lines without CR, other minor versions.
      insecureHTTPParser: true,
      maxHeaderSize: maxHeaderBytes,
    };
    const request = startRequest(url, options);
    const onAbort = () => request.destroy(signal.reason);
    signal.addEventListener("abort", onAbort, { once: true });
    request.on("socket", () => {
      // The agent prefers a connection that has become free meanwhile.
      if (request.reusedSocket) connection.socket?.destroy();
    });
    request.on("response", (response) => {
      // An answer cut short after its status line has already decided.
      response.on("error", () => {});
      resolve({ response, isReused: request.reusedSocket });
    });
    request.on("error", (error) => {
      // The backend may close a kept connection while it is being reused. That says nothing about the backend.
      const isStale = request.reusedSocket && isConnectionLost(error) && !signal.aborted;
      if (isStale) resolve(ask(probeRequest));
      else reject(error);
    });
    request.on("close", () => {
      signal.removeEventListener("abort", onAbort);
      reject(new Error("connection closed without an answer"));
    });
    request.end();
  });
}

/** The name for SNI, as Node takes it from a Host header; an address has none. */
function serverNameFor(hostHeader: string): string {
  const [, ipv6, name = ""] = /^(?:\[(.*)\]|([^:]*))/.exec(hostHeader) ?? [];
  return ipv6 !== undefined || isIP(name) !== 0 ? "" : name;
}

/** Headers with empty values are not sent at all, as in a kubelet. */
function headersFor(given: ProbeTarget["headers"] = {}): Record<string, string> {
  const headers = { ...defaultHeaders };
  for (const [name, value] of Object.entries(given)) {
    const key = name.toLowerCase();
    if (key in defaultHeaders && value === "") delete headers[key];
    else headers[key] = value;
  }
  return headers;
}

function without(headers: Readonly<Record<string, string>>, name: string): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).filter(([key]) => key !== name));
}

/** Reads a body to its end, so that the connection can be kept, up to limits of size and time. */
function drain(response: http.IncomingMessage, maxMs: number): void {
  const timer = setTimeout(() => response.destroy(), Math.max(0, maxMs));
  let bytes = 0;
  response.on("close", () => clearTimeout(timer));
  response.on("data", (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > maxDrainedBytes) response.destroy();
  });
}

function isConnectionLost(error: NodeJS.ErrnoException): boolean {
  return error.code === "ECONNRESET" || error.code === "EPIPE";
}

/** A name with several addresses fails with an AggregateError, which has a code but no message. */
function describe(error: NodeJS.ErrnoException): string {
  return error.message || error.code || error.name;
}
