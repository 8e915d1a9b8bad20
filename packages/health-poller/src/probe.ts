import http from "node:http";
import https from "node:https";
import { isIP, type LookupFunction, type Socket, type TcpSocketConnectOpts } from "node:net";

import { withDeadline } from "@kong-serverless/runtime";

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
/** Node's minimum for `autoSelectFamilyAttemptTimeout`: https://nodejs.org/api/net.html */
const leastAttemptMs = 10;

const defaultHeaders: Readonly<Record<string, string>> = {
  accept: "*/*",
  "user-agent": "kong-serverless-probe",
};

// Keep-alive saves each renewal of a ready backend's lease a handshake. Idle connections do not keep the process alive.
const agentOptions = { keepAlive: true, maxFreeSockets: 2 };
// Certificates are not verified, as in a kubelet: those of pods are mostly self-signed and for other names. An impostor gets
// the probe's headers, and later the requests, since by default Kong does not verify the certificate either.
// https://kubernetes.io/docs/tasks/configure-pod-container/configure-liveness-readiness-startup-probes/#http-probes
const tlsOptions = { ...agentOptions, rejectUnauthorized: false };
const transports = {
  "http:": { request: http.request, agent: new http.Agent(agentOptions) },
  "https:": { request: https.request, agent: new https.Agent(tlsOptions) },
};
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

/** `http.request` passes these on to its connection. */
type TcpSocketConnectOptions = Pick<TcpSocketConnectOpts, "autoSelectFamilyAttemptTimeout">;

interface ProbeResponse {
  /** Received up to the end of its headers. */
  readonly response: http.IncomingMessage;
  /** Whether its connection had been used before. */
  readonly isReused: boolean;
}

function ask(probeRequest: ProbeRequest): Promise<ProbeResponse> {
  const { url, headers, connectTimeoutMs, signal } = probeRequest;
  const transport = transports[url.protocol as keyof typeof transports];
  if (transport === undefined) throw new TypeError(`cannot probe ${url.href}: not an http or https address`);
  return new Promise((resolve, reject) => {
    const limit = new ConnectLimit(connectTimeoutMs);
    const options: http.RequestOptions & TcpSocketConnectOptions = {
      agent: transport.agent,
      headers,
      lookup: limit.lookup,
      autoSelectFamilyAttemptTimeout: Math.max(leastAttemptMs, connectTimeoutMs),
      // A kubelet's HTTP client accepts what Node's refuses by default: lines without CR, other minor versions.
      insecureHTTPParser: true,
      maxHeaderSize: maxHeaderBytes,
    };
    const request = transport.request(url, options);
    const onAbort = () => request.destroy(signal.reason);
    signal.addEventListener("abort", onAbort, { once: true });
    request.on("socket", (socket) => limit.watch(socket, url.hostname));
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

/**
 * Gives up a connection that takes too long to establish. Without it, a lost SYN costs the second until TCP resends it: a
 * Service without endpoints refuses the first few connections, then the kernel's ICMP limit drops all but one refusal a second.
 */
class ConnectLimit {
  readonly #limitMs: number;
  #socket: Socket | undefined;
  #timer: NodeJS.Timeout | undefined;
  #addresses = 0;

  constructor(limitMs: number) {
    this.#limitMs = limitMs;
  }

  /** For the connection's `lookup` option: the limit counts from when the addresses are known. */
  readonly lookup: LookupFunction = (hostname, options, callback) => {
    lookup(hostname, options, (error, address, family) => {
      this.#addresses = Array.isArray(address) ? address.length : 1;
      this.#start();
      callback(error, address, family);
    });
  };

  watch(socket: Socket, hostname: string): void {
    if (!socket.connecting) return;
    this.#socket = socket;
    if (isIP(hostname.replace(/^\[|\]$/g, "")) !== 0) this.#addresses = 1;
    this.#start();
    const stop = () => {
      clearTimeout(this.#timer);
      this.#socket = undefined;
    };
    socket.once("connect", stop);
    socket.once("close", stop);
  }

  #start(): void {
    if (this.#addresses === 0 || this.#socket === undefined) return;
    const limitMs = this.#limitMs * this.#addresses;
    // After a busy turn, timers fire before the network is polled: a connection made in the meantime must win.
    this.#timer = setTimeout(() => setImmediate(() => this.#giveUp(limitMs)), limitMs);
  }

  #giveUp(limitMs: number): void {
    if (this.#socket?.connecting) this.#socket.destroy(new Error(`no connection within ${limitMs} ms`));
  }
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
