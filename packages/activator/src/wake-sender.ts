import type { BackendSettings } from "@kong-serverless/config";
import { pause } from "@kong-serverless/runtime";

import type { ActivatorDeps } from "./activator-deps.ts";
import type { WakeReason } from "./events.ts";

const firstRetryMs = 100;
/** How much later than it is due a repeated message may go out, as a share of the interval. */
const repeatSpread = 0.2;

export interface RepeatOptions {
  readonly settings: () => BackendSettings;
  /** Whether anybody needs the backend at the moment; otherwise nothing is sent. */
  readonly isWanted: () => boolean;
  readonly signal: AbortSignal;
}

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

  /** Milliseconds since the latest message that was accepted. */
  get ageMs(): number {
    return performance.now() - this.#publishedAtMs;
  }

  /** Milliseconds until `intervalMs` have passed since the latest message; after a failure, until the next attempt. */
  msUntilDue(intervalMs: number): number {
    if (this.#failures === 0) return Math.max(0, intervalMs - this.ageMs);
    const backoffMs = Math.min(firstRetryMs * 2 ** (this.#failures - 1), intervalMs);
    return Math.max(0, this.#triedAtMs + backoffMs - performance.now());
  }

  /** Makes the next message due at once, whatever was sent before. */
  forget(): void {
    this.#publishedAtMs = -Infinity;
    this.#failures = 0;
  }

  /**
   * Sends a message and repeats it, in case it was lost, until `signal` aborts. A publish in progress is then left to finish:
   * it may still arrive.
   */
  async repeat({ settings, isWanted, signal }: RepeatOptions): Promise<void> {
    let reason: WakeReason = "activation";
    await pause(this.#firstDelayMs(settings()), signal);
    while (!signal.aborted) {
      if (isWanted()) {
        if (await this.publish(settings(), reason)) reason = "repeat";
        // A thousand activations that started together should not repeat their messages in one turn.
        const repeatMs = settings().wakeRepeatMs * (1 + Math.random() * repeatSpread);
        await pause(this.msUntilDue(repeatMs), signal);
      } else {
        await pause(settings().intervalMs, signal);
      }
    }
  }

  /** Sends a message, unless one is being sent. Never rejects: resolves with whether it was accepted. */
  publish(settings: BackendSettings, reason: WakeReason): Promise<boolean> {
    this.#underway ??= this.#publish(settings, reason).finally(() => {
      this.#underway = undefined;
    });
    return this.#underway;
  }

  /** While a recent message is in the wake queue, the backend probably runs: it gets the time of one probe before the next. */
  #firstDelayMs({ keepWarmIntervalMs, intervalMs, wakeRepeatMs }: BackendSettings): number {
    const isRecent = this.ageMs < keepWarmIntervalMs;
    return Math.max(isRecent ? intervalMs : 0, this.msUntilDue(wakeRepeatMs));
  }

  async #publish({ name, wake, publishTimeoutMs }: BackendSettings, reason: WakeReason): Promise<boolean> {
    const { publishWake, observe } = this.#deps;
    this.#triedAtMs = performance.now();
    observe({ event: "wake.started", backend: name, reason });
    if (wake === undefined) {
      // The scaler watches the demand, so the held request itself is the message.
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
