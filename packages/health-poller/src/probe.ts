import http from "node:http";
import https from "node:https";

import { SharedLookup } from "./shared-lookup.ts";

export interface ProbeTarget {
  /** Absolute http: or https: address of the readiness URL. */
  readonly url: string;
  /** Milliseconds after which a probe without an answer has failed. */
  readonly timeoutMs: number;
  /** Status codes that mean ready, both ends included; 200 to 399 unless given, as a kubelet takes it. */
  readonly statuses?: { readonly min: number; readonly max: number };
  readonly headers?: Readonly<Record<string, string>>;
}

export interface ProbeResult {
  readonly isReady: boolean;
  /** Status code of the answer, when there was one. */
  readonly status?: number;
  /** Why there was no answer, in words for a log. */
  readonly error?: string;
  readonly durationMs: number;
}

/** A readiness answer is a few bytes. A body beyond this is not read: its connection is closed instead of kept. */
const maxDrainedBytes = 16 * 1024;

// Kept connections spare a ready backend's lease renewals a handshake each. Idle ones do not keep the process alive.
const agentOptions = { keepAlive: true, maxFreeSockets: 2, lookup: new SharedLookup().lookup };
// Certificates are not verified, as a kubelet does it: those of pods are mostly self-signed, and for other names. An
// impostor gains the probe's headers, and otherwise what the request that follows gives it, which Kong does not verify either
// unless told to.
// https://kubernetes.io/docs/tasks/configure-pod-container/configure-liveness-readiness-startup-probes/#http-probes
const tlsOptions = { ...agentOptions, rejectUnauthorized: false };
const transports = {
  "http:": { request: http.request, agent: new http.Agent(agentOptions) },
  "https:": { request: https.request, agent: new https.Agent(tlsOptions) },
};

/**
 * Asks a readiness URL once. Never throws: whatever goes wrong, within `timeoutMs`, is a result that is not ready.
 * The status line decides; redirects are not followed, and the body is awaited by nobody.
 *
 * @example
 * const { isReady } = await probe({ url: "http://127.0.0.1:8080/healthz", timeoutMs: 1000 });
 */
export function probe(target: ProbeTarget, signal?: AbortSignal): Promise<ProbeResult> {
  const startedAt = performance.now();
  const { min, max } = target.statuses ?? { min: 200, max: 399 };
  return new Promise((resolve) => {
    const settle = (outcome: { isReady: boolean; status?: number; error?: string }) =>
      resolve({ ...outcome, durationMs: performance.now() - startedAt });
    if (signal?.aborted) {
      settle({ isReady: false, error: "aborted" });
      return;
    }

    let request: http.ClientRequest | undefined;
    let isGivenUp = false;
    const giveUp = (error: string) => {
      isGivenUp = true;
      settle({ isReady: false, error });
      request?.destroy();
    };
    const onAbort = () => giveUp("aborted");
    const timer = setTimeout(() => giveUp(`no answer within ${target.timeoutMs} ms`), target.timeoutMs);
    signal?.addEventListener("abort", onAbort, { once: true });
    const release = () => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", onAbort);
    };

    const send = () => {
      const sent = open(target);
      request = sent;
      let isSentAgain = false;
      sent.on("response", (response) => {
        const status = response.statusCode ?? 0;
        const isReady = status >= min && status <= max;
        settle({ isReady, status });
        // A kept connection leads to the same pod for ever, and behind a Service another one may be ready.
        if (isReady) drain(response);
        else response.destroy();
      });
      sent.on("error", (error) => {
        // The backend may close a kept connection while it is being reused. That says nothing about the backend.
        isSentAgain = !isGivenUp && sent.reusedSocket && isConnectionLost(error);
        if (isSentAgain) send();
        else settle({ isReady: false, error: describe(error) });
      });
      sent.on("close", () => {
        if (isSentAgain) return;
        settle({ isReady: false, error: "connection closed without an answer" });
        release();
      });
      sent.end();
    };
    try {
      send();
    } catch (error) {
      release();
      settle({ isReady: false, error: describe(error as Error) });
    }
  });
}

function open(target: ProbeTarget): http.ClientRequest {
  const url = new URL(target.url);
  const transport = transports[url.protocol as keyof typeof transports];
  if (transport === undefined)
    throw new TypeError(`cannot probe ${target.url}: not an http or https address`);
  return transport.request(url, { agent: transport.agent, headers: { ...target.headers } });
}

/** Reads a body to its end, so that its connection can be kept, but no further than a readiness answer may go. */
function drain(response: http.IncomingMessage): void {
  let bytes = 0;
  // An answer cut short after its status line has said what was asked.
  response.on("error", () => {});
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
