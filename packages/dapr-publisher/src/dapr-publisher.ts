import http from "node:http";
import https from "node:https";

import { type Log, silentLog, withDeadline } from "@kong-serverless/runtime";

import { PublishError } from "./publish-error.ts";
import { SidecarRequest } from "./sidecar-request.ts";

export interface DaprPublisherOptions {
  /** Base address of the sidecar's HTTP API, such as `http://127.0.0.1:3500`. */
  readonly endpoint: string;
  /** Sent as `dapr-api-token`. */
  readonly apiToken?: string;
  /** Milliseconds within which every publish ends, one way or the other. */
  readonly timeoutMs: number;
  readonly log?: Log;
}

export interface PublishMessage {
  /** Name of the Dapr pub/sub component. */
  readonly pubsub: string;
  readonly topic: string;
  /** Sent as JSON. */
  readonly data: object;
  /** Puts the data on the topic as it is, without a CloudEvent around it. */
  readonly rawPayload?: boolean;
  /** Seconds after which the broker may drop the message, where the broker knows how to. */
  readonly ttlInSeconds?: number;
}

/** Beyond this many at once the sidecar is not keeping up, and one message more only costs memory. */
const maxInFlight = 1000;
const maxConnections = 32;

/**
 * Sends messages to a broker through the Dapr sidecar.
 *
 * @example
 * const publisher = new DaprPublisher({ endpoint: "http://127.0.0.1:3500", timeoutMs: 2000 });
 * await publisher.publish({ pubsub: "pubsub", topic: "jobs", data: { id: 1 } });
 */
export class DaprPublisher {
  readonly #endpoint: URL;
  readonly #options: DaprPublisherOptions;
  readonly #log: Log;
  readonly #agent: http.Agent;
  readonly #inFlight = new Set<Promise<void>>();
  #isStopped = false;

  /** Throws a TypeError when `endpoint` is not an address. */
  constructor(options: DaprPublisherOptions) {
    this.#endpoint = new URL(options.endpoint);
    this.#options = options;
    this.#log = options.log ?? silentLog;
    const { Agent } = this.#endpoint.protocol === "https:" ? https : http;
    this.#agent = new Agent({ keepAlive: true, maxSockets: maxConnections });
  }

  /**
   * Resolves once the broker has taken the message.
   *
   * Fails within `timeoutMs` with a PublishError: SIDECAR_UNAVAILABLE (no answer: at once when nothing listens),
   * PUBLISH_REJECTED (the sidecar will not take it), PUBLISH_FAILED (it could not), PUBLISH_TIMEOUT, or
   * PUBLISH_OVERLOADED (too many at once; nothing was sent). Fails with the signal's reason as soon as `signal` aborts.
   */
  async publish(message: PublishMessage, signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    if (this.#isStopped)
      throw new PublishError("PUBLISH_FAILED", `${describe(message)}: the publisher has been stopped`);
    if (this.#inFlight.size >= maxInFlight) {
      throw new PublishError(
        "PUBLISH_OVERLOADED",
        `${describe(message)}: ${maxInFlight} others wait for the sidecar`,
      );
    }
    const sending = this.#send(message, signal);
    this.#inFlight.add(sending);
    try {
      await sending;
    } finally {
      this.#inFlight.delete(sending);
    }
  }

  /** Lets the publishes in flight end, then closes the connections. Publishing fails from now on. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    await Promise.allSettled(this.#inFlight);
    this.#agent.destroy();
  }

  async #send(message: PublishMessage, signal: AbortSignal | undefined): Promise<void> {
    const { apiToken, timeoutMs } = this.#options;
    const startedAt = performance.now();
    const request = new AbortController();
    using deadline = withDeadline(
      timeoutMs,
      () => new PublishError("PUBLISH_TIMEOUT", `${describe(message)}: no answer within ${timeoutMs} ms`),
      signal,
    );
    deadline.signal.addEventListener("abort", () => request.abort(), { once: true });
    try {
      const sidecar = new SidecarRequest({
        endpoint: this.#endpoint,
        apiToken,
        agent: this.#agent,
        signal: request.signal,
      });
      await sidecar.execute(pathOf(message), {
        method: "POST",
        // The SDK guesses the type from the constructor's name and would send an instance of a class as "[object Object]".
        headers: { "Content-Type": "application/json" },
        body: message.data,
      });
    } catch (error) {
      if (deadline.signal.aborted) throw deadline.signal.reason;
      throw inWordsOf(message, error);
    } finally {
      // Frees the connection of an answer that was not read to its end.
      request.abort();
    }
    const { pubsub, topic } = message;
    this.#log.debug(
      { pubsub, topic, durationMs: Math.round(performance.now() - startedAt) },
      "message.published",
    );
  }
}

/** See https://docs.dapr.io/reference/api/pubsub_api/#metadata. */
function pathOf({ pubsub, topic, rawPayload, ttlInSeconds }: PublishMessage): string {
  const query = new URLSearchParams();
  if (rawPayload === true) query.set("metadata.rawPayload", "true");
  if (ttlInSeconds !== undefined) query.set("metadata.ttlInSeconds", String(ttlInSeconds));
  const path = `/publish/${encodeURIComponent(pubsub)}/${encodeURIComponent(topic)}`;
  return query.size === 0 ? path : `${path}?${query.toString()}`;
}

function inWordsOf(message: PublishMessage, error: unknown): PublishError {
  if (!(error instanceof PublishError)) {
    return new PublishError("PUBLISH_FAILED", `${describe(message)}: ${String(error)}`, { cause: error });
  }
  const { code, sidecarStatus, cause } = error;
  return new PublishError(code, `${describe(message)}: ${error.message}`, {
    cause,
    ...(sidecarStatus !== undefined && { sidecarStatus }),
  });
}

function describe({ pubsub, topic }: PublishMessage): string {
  return `Cannot publish to topic ${topic} of ${pubsub}`;
}
