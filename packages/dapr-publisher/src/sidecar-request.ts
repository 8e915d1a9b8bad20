import type { Agent } from "node:http";

import { HTTPClient } from "@dapr/dapr";

import { PublishError } from "./publish-error.ts";

type Fetch = Awaited<ReturnType<HTTPClient["getClient"]>>;
/** node-fetch's types know an AbortSignal of their own; at run time it takes Node's. */
type FetchSignal = NonNullable<Parameters<Fetch>[1]>["signal"];

export interface SidecarRequestOptions {
  readonly endpoint: URL;
  readonly apiToken: string | undefined;
  /** The connections to send it on. */
  readonly agent: Agent;
  /** Ends the request when it aborts. */
  readonly signal: AbortSignal;
  /** What an error's message begins with. */
  readonly failure: string;
}

/** Dapr's errors are a few hundred bytes of JSON; of anything longer the start says enough. */
const maxAnswerBytes = 64 * 1024;
const maxQuotedCharacters = 500;

/**
 * The Dapr SDK's HTTP client, made for one request so that the request has what the SDK gives none:
 *
 * - a signal that ends it (the SDK knows no timeout and no cancellation);
 * - its owner's connections (the SDK's are static: one client's `stop()` closes those of all others);
 * - no wait for `/v1.0/metadata` before the first call, which blocks for 30 s while the sidecar is down;
 * - an error that carries the sidecar's status (the SDK hides it in JSON in the message, and takes a redirect for success).
 */
export class SidecarRequest extends HTTPClient {
  readonly #agent: Agent;
  readonly #signal: AbortSignal;
  readonly #failure: string;

  constructor({ endpoint, apiToken, agent, signal, failure }: SidecarRequestOptions) {
    super({
      daprHost: `${endpoint.protocol}//${endpoint.hostname}`,
      daprPort: endpoint.port || (endpoint.protocol === "https:" ? "443" : "80"),
      ...(apiToken !== undefined && { daprApiToken: apiToken }),
    });
    this.#agent = agent;
    this.#signal = signal;
    this.#failure = failure;
  }

  /** The SDK calls this for the function that sends its requests, and would wait for the sidecar first. */
  override async getClient(): Promise<Fetch> {
    const fetch = await super.getClient(false);
    const send: (...call: Parameters<Fetch>) => ReturnType<Fetch> = async (url, init) => {
      const response = await fetch(url, {
        ...init,
        agent: this.#agent,
        signal: this.#signal as FetchSignal,
        redirect: "manual",
        size: maxAnswerBytes,
      }).catch((cause: unknown) => {
        const reason = `${this.#failure}: no answer from the Dapr sidecar (${reasonOf(cause)})`;
        throw new PublishError("SIDECAR_UNAVAILABLE", reason, { cause });
      });
      if (response.ok) return response;
      const answer = await response.text().catch(() => "(more than can be quoted)");
      throw refusal(this.#failure, response.status, answer);
    };
    return send as Fetch;
  }
}

/** A client error lasts until the configuration or the message changes; anything else may pass by itself. */
function refusal(failure: string, sidecarStatus: number, answer: string): PublishError {
  const isLasting =
    sidecarStatus >= 400 && sidecarStatus < 500 && sidecarStatus !== 408 && sidecarStatus !== 429;
  return new PublishError(
    isLasting ? "PUBLISH_REJECTED" : "PUBLISH_FAILED",
    `${failure}: the Dapr sidecar answered ${sidecarStatus} ${answer.slice(0, maxQuotedCharacters)}`.trimEnd(),
    { sidecarStatus },
  );
}

/** A host name with several addresses fails without a message, but with a code. */
function reasonOf(cause: unknown): string {
  const { code, message } = cause as NodeJS.ErrnoException;
  return code ?? message;
}
