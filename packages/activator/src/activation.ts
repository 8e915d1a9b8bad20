import type { BackendSettings } from "@kong-serverless/config";
import { sleep } from "@kong-serverless/runtime";

import type { Collaborators, ProbeTarget } from "./collaborators.ts";
import type { WakeReason } from "./events.ts";
import type { WakeSender } from "./wake-sender.ts";

export interface ActivationOptions {
  readonly settings: BackendSettings;
  readonly target: ProbeTarget;
  readonly wakes: WakeSender;
  readonly collaborators: Collaborators;
  /** Whether anybody is held at the moment: without demand nothing is woken. */
  readonly isWanted: () => boolean;
}

/**
 * One attempt to bring a backend to ready: wakes it while somebody waits, and probes until it answers. Requests come and go
 * without touching it; it ends by itself, at success or when the time of the last request that joined it is up.
 */
export class Activation {
  readonly startedAtMs = performance.now();
  readonly #options: ActivationOptions;
  #deadlineMs = 0;
  #probes = 0;

  constructor(options: ActivationOptions) {
    this.#options = options;
  }

  get settings(): BackendSettings {
    return this.#options.settings;
  }

  get target(): ProbeTarget {
    return this.#options.target;
  }

  get probes(): number {
    return this.#probes;
  }

  get elapsedMs(): number {
    return performance.now() - this.startedAtMs;
  }

  /** Gives the attempt at least until `deadlineMs` on the clock of `performance.now()`. */
  extend(deadlineMs: number): void {
    this.#deadlineMs = Math.max(this.#deadlineMs, deadlineMs);
  }

  /** Resolves with whether the backend became ready in time. Never rejects. */
  async run(): Promise<boolean> {
    const ended = new AbortController();
    void this.#wakeUntil(ended.signal);
    try {
      return await this.#probeUntilReady();
    } finally {
      ended.abort();
    }
  }

  async #probeUntilReady(): Promise<boolean> {
    const { settings, target, collaborators } = this.#options;
    for (;;) {
      const nextAtMs = performance.now() + settings.intervalMs;
      this.#probes += 1;
      const result = await collaborators.probe(target);
      collaborators.observe({
        event: "probe.answered",
        backend: settings.name,
        reason: "activation",
        result,
      });
      if (result.isReady) return true;
      if (performance.now() >= this.#deadlineMs) return false;
      await sleep(Math.max(0, nextAtMs - performance.now()));
    }
  }

  /** Does not wait for the end of a publish: a message that is under way when the backend answers may still arrive. */
  async #wakeUntil(ended: AbortSignal): Promise<void> {
    const { settings, wakes, isWanted } = this.#options;
    let reason: WakeReason = "activation";
    await pause(this.#firstWakeDelayMs(), ended);
    while (!ended.aborted) {
      if (isWanted()) {
        if (await wakes.publish(settings, reason)) reason = "repeat";
        await pause(wakes.msUntilDue(settings.wakeRepeatMs), ended);
      } else {
        await pause(settings.intervalMs, ended);
      }
    }
  }

  /**
   * A recent message still lies in the wake queue, so the backend probably runs and was merely not asked for a while: it
   * is given the time of one probe before it is woken again.
   */
  #firstWakeDelayMs(): number {
    const { settings, wakes } = this.#options;
    const isRecent = wakes.ageMs < settings.keepWarmIntervalMs;
    return Math.max(isRecent ? settings.intervalMs : 0, wakes.msUntilDue(settings.wakeRepeatMs));
  }
}

/** Waits, or ends early when the activation has ended: for its loops, that is no error. */
async function pause(ms: number, ended: AbortSignal): Promise<void> {
  if (ms > 0) await sleep(ms, ended).catch(() => {});
}
