import type { ProbeResult, ProbeTarget } from "@kong-serverless/health-poller";

import type { ActivatorDeps } from "./activator-deps.ts";

export interface ReadyLeaseOptions {
  readonly target: ProbeTarget;
  readonly durationMs: number;
  /** How long requests may pass after an answer from before `firmAtMs`. */
  readonly briefMs: number;
  readonly firmAtMs: number;
}

/** A ready answer counts for a while, and is renewed by a probe in time. */
export class ReadyLease {
  readonly #options: ReadyLeaseOptions;
  #answeredAtMs: number;
  #isRenewing = false;

  constructor(options: ReadyLeaseOptions) {
    this.#options = options;
    this.#answeredAtMs = performance.now();
  }

  /** Whether the backend has answered recently. */
  isFresh(nowMs: number): boolean {
    return nowMs < this.#answeredAtMs + this.#options.durationMs;
  }

  /** How long requests may pass without another answer. */
  leftMs(nowMs: number): number {
    const { durationMs, briefMs, firmAtMs } = this.#options;
    const isFirm = this.#answeredAtMs >= firmAtMs;
    return this.#answeredAtMs + (isFirm ? durationMs : Math.min(briefMs, durationMs)) - nowMs;
  }

  /** Whether the lease is at least half over and no probe is running. */
  isDue(nowMs: number): boolean {
    return !this.#isRenewing && this.leftMs(nowMs) <= this.#options.durationMs / 2;
  }

  /** Probes; a ready answer counts from the start of the probe. */
  async renew(probe: ActivatorDeps["probe"]): Promise<ProbeResult> {
    const askedAtMs = performance.now();
    this.#isRenewing = true;
    const result = await probe(this.#options.target);
    this.#isRenewing = false;
    if (result.isReady) this.#answeredAtMs = askedAtMs;
    return result;
  }
}
