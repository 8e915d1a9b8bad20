import type { ProbeResult, ProbeTarget } from "@kong-serverless/health-poller";

import type { Collaborators } from "./collaborators.ts";

/** What a ready answer is worth: for a while it counts without asking, and it is renewed by asking in time. */
export class ReadyLease {
  readonly #target: ProbeTarget;
  readonly #durationMs: number;
  #untilMs: number;
  #isRenewing = false;

  constructor(target: ProbeTarget, durationMs: number) {
    this.#target = target;
    this.#durationMs = durationMs;
    this.#untilMs = performance.now() + durationMs;
  }

  isValid(nowMs: number): boolean {
    return this.leftMs(nowMs) > 0;
  }

  leftMs(nowMs: number): number {
    return this.#untilMs - nowMs;
  }

  /** Whether half of it is over, and nobody asks yet. */
  isDue(nowMs: number): boolean {
    return !this.#isRenewing && this.leftMs(nowMs) <= this.#durationMs / 2;
  }

  /** Asks, and counts a ready answer from the moment of asking. */
  async renew(probe: Collaborators["probe"]): Promise<ProbeResult> {
    const askedAtMs = performance.now();
    this.#isRenewing = true;
    const result = await probe(this.#target);
    this.#isRenewing = false;
    if (result.isReady) this.#untilMs = askedAtMs + this.#durationMs;
    return result;
  }
}
