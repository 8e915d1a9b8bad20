import http from "node:http";
import https from "node:https";

import { JobQueue, type Log, silentLog, unlessAborted, withDeadline } from "@kong-serverless/runtime";

import { PublishError } from "./publish-error.ts";
import { SidecarRequest } from "./sidecar-request.ts";

export interface DaprPublisherOptions {
  /** Base address of the sidecar's HTTP API, such as `http://127.0.0.1:3500`. */
  readonly endpoint: string;
  /** Sent as `dapr-api-token`. */
  readonly apiToken?: string;
  /** Milliseconds within which a publish ends, unless its message says otherwise. Default 2000. */
  readonly timeoutMs?: number;
  readonly log?: Log;
}

export interface PublishMessage {
  /** Name of the Dapr pub/sub component. */
  readonly pubsub: string;
  readonly topic: string;
  /** Sent as JSON. */
  readonly data: object;
  readonly timeoutMs?: number;
}

const defaultTimeoutMs = 2000;
/** With this many in flight the sidecar is not keeping up, and another message would only cost memory. */
const maxInFlight = 1000;
const maxConnections = 32;

/**
 * Sends messages to a broker through the Dapr sidecar.
 *
 * @example
 * const publisher = new DaprPublisher({ endpoint: "http://127.0.0.1:3500" });
 * await publisher.publish({ pubsub: "pubsub", topic: "jobs", data: { id: 1 } });
 */
export class DaprPublisher {
  readonly #endpoint: URL;
  readonly #options: DaprPublisherOptions;
  readonly #log: Log;
  readonly #agent: http.Agent;
  readonly #inFlight = new Set<Promise<void>>();
  readonly #starts = new JobQueue({ turnsBetween: 12 });
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
    const { apiToken } = this.#options;
    const { timeoutMs = this.#options.timeoutMs ?? defaultTimeoutMs } = message;
    const startedAt = performance.now();
    const request = new AbortController();
    using deadline = withDeadline(
      timeoutMs,
      () => new PublishError("PUBLISH_TIMEOUT", `${describe(message)}: no answer within ${timeoutMs} ms`),
      signal,
    );
    deadline.signal.addEventListener("abort", () => request.abort(), { once: true });
    try {
      const turn = new Promise<void>((resolve) => this.#starts.add(resolve));
      await unlessAborted(turn, deadline.signal);
      const sidecar = new SidecarRequest({
        endpoint: this.#endpoint,
        apiToken,
        agent: this.#agent,
        signal: request.signal,
        failure: describe(message),
      });
      await sidecar.execute(pathOf(message), {
        method: "POST",
        // The SDK guesses the type from the constructor's name and would send an instance of a class as "[object Object]".
        headers: { "Content-Type": "application/json" },
        body: message.data,
      });
    } catch (error) {
      if (deadline.signal.aborted) throw deadline.signal.reason;
      if (error instanceof PublishError) throw error;
      throw new PublishError("PUBLISH_FAILED", `${describe(message)}: ${String(error)}`, { cause: error });
    } finally {
      // Frees the connection of an answer that was not read to its end.
      request.abort("done");
    }
    const { pubsub, topic } = message;
    this.#log.debug(
      { pubsub, topic, durationMs: Math.round(performance.now() - startedAt) },
      "message.published",
    );
  }
}

function pathOf({ pubsub, topic }: PublishMessage): string {
  return `/publish/${encodeURIComponent(pubsub)}/${encodeURIComponent(topic)}`;
}

function describe({ pubsub, topic }: PublishMessage): string {
  return `Cannot publish to topic ${topic} of ${pubsub}`;
}
