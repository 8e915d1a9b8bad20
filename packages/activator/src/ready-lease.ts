import type { ProbeResult, ProbeTarget } from "@kong-serverless/health-poller";

import type { ActivatorDeps } from "./activator-deps.ts";

/** A ready answer counts for a while without another probe, and is renewed in time by one. */
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

  /** Whether the lease is at least half over and no probe is running. */
  isDue(nowMs: number): boolean {
    return !this.#isRenewing && this.leftMs(nowMs) <= this.#durationMs / 2;
  }

  /** Probes; a ready answer counts from the start of the probe. */
  async renew(probe: ActivatorDeps["probe"]): Promise<ProbeResult> {
    const askedAtMs = performance.now();
    this.#isRenewing = true;
    const result = await probe(this.#target);
    this.#isRenewing = false;
    if (result.isReady) this.#untilMs = askedAtMs + this.#durationMs;
    return result;
  }
}
