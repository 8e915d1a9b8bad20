import type { SQSClient } from "@aws-sdk/client-sqs";
import { withDeadline } from "@kong-serverless/runtime";

import { QueueCredentialsError } from "./errors.ts";
import type { CallSignals } from "./transport.ts";
import { unlessAborted } from "./unless-aborted.ts";

type Identity = Awaited<ReturnType<SQSClient["config"]["credentials"]>>;

/** Enough for a token service that is asked twice, and short enough to be seen within 15 s. */
const limitMs = 8000;
/** The client renews credentials minutes before they expire: nothing is missed by asking it only so often. */
const maxAgeMs = 5000;

/**
 * A client's credentials, within a deadline: the SDK neither limits the time that it takes to get them nor lets an abort signal end
 * it. Every method fails with a QueueCredentialsError, or with the reason of the signal that aborted.
 */
export class Credentials {
  readonly #client: SQSClient;
  #last: { readonly identity: Identity; readonly askedAt: number } | undefined;

  constructor(client: SQSClient) {
    this.#client = client;
  }

  async get(signals: CallSignals): Promise<Identity> {
    const last = this.#last;
    if (last !== undefined && performance.now() - last.askedAt < maxAgeMs) return last.identity;
    return this.#ask(signals);
  }

  /** Has the client get new ones although it takes those that it has for valid. */
  async refresh(signals: CallSignals): Promise<void> {
    await this.#ask(signals, { forceRefresh: true });
  }

  async #ask(
    { signal, stopping }: CallSignals,
    options?: { readonly forceRefresh: boolean },
  ): Promise<Identity> {
    using deadline = withDeadline(limitMs, () => new Error(`no credentials within ${limitMs} ms`), signal);
    const either = stopping === undefined ? deadline.signal : AbortSignal.any([deadline.signal, stopping]);
    const askedAt = performance.now();
    try {
      const identity = await unlessAborted(this.#client.config.credentials(options), either);
      this.#last = { identity, askedAt };
      return identity;
    } catch (error) {
      this.#last = undefined;
      signal.throwIfAborted();
      stopping?.throwIfAborted();
      throw new QueueCredentialsError(error);
    }
  }
}
