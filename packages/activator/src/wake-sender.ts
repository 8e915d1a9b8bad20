import type { BackendSettings } from "@kong-serverless/config";

import type { ActivatorDeps } from "./activator-deps.ts";
import type { WakeReason } from "./events.ts";

const firstRetryMs = 100;

/** Sends one backend's wake messages, one at a time, and knows when the next is due. */
export class WakeSender {
  readonly #deps: ActivatorDeps;
  #underway: Promise<boolean> | undefined;
  #publishedAtMs = -Infinity;
  #triedAtMs = -Infinity;
  #failures = 0;

  constructor(deps: ActivatorDeps) {
    this.#deps = deps;
  }

  /** Milliseconds since the latest message that was taken. */
  get ageMs(): number {
    return performance.now() - this.#publishedAtMs;
  }

  /** Milliseconds until `intervalMs` have passed since the latest message; after a failure, until the next try. */
  msUntilDue(intervalMs: number): number {
    if (this.#failures === 0) return Math.max(0, intervalMs - this.ageMs);
    const backoffMs = Math.min(firstRetryMs * 2 ** (this.#failures - 1), intervalMs);
    return Math.max(0, this.#triedAtMs + backoffMs - performance.now());
  }

  /** The next message is due at once, whatever was sent before. */
  forget(): void {
    this.#publishedAtMs = -Infinity;
    this.#failures = 0;
  }

  /** Sends a message, or joins the sending of one. Never rejects: resolves with whether it was taken. */
  publish(settings: BackendSettings, reason: WakeReason): Promise<boolean> {
    this.#underway ??= this.#publish(settings, reason).finally(() => {
      this.#underway = undefined;
    });
    return this.#underway;
  }

  async #publish({ name, wake, publishTimeoutMs }: BackendSettings, reason: WakeReason): Promise<boolean> {
    const { publishWake, observe } = this.#deps;
    this.#triedAtMs = performance.now();
    observe({ event: "wake.started", backend: name, reason });
    if (wake === undefined) {
      // The scaler watches the demand: holding the request was the message.
      this.#publishedAtMs = this.#triedAtMs;
      return true;
    }
    try {
      await publishWake({ backend: name, reason, ...wake, timeoutMs: publishTimeoutMs });
    } catch (error) {
      this.#failures += 1;
      observe({ event: "wake.failed", backend: name, reason, error });
      return false;
    }
    this.#failures = 0;
    this.#publishedAtMs = performance.now();
    observe({
      event: "wake.published",
      backend: name,
      reason,
      durationMs: this.#publishedAtMs - this.#triedAtMs,
    });
    return true;
  }
}
