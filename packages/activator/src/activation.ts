import type { BackendSettings } from "@kong-serverless/config";
import { sleep } from "@kong-serverless/runtime";

import type { Collaborators, ProbeTarget } from "./collaborators.ts";
import type { WakeReason } from "./events.ts";
import type { WakeSender } from "./wake-sender.ts";

/** What a request that is held wants of the attempt. */
export interface ActivationRequest {
  readonly settings: BackendSettings;
  readonly target: ProbeTarget;
  /** On the clock of `performance.now()`. */
  readonly deadlineMs: number;
}

export interface ActivationOptions {
  readonly first: ActivationRequest;
  readonly wakes: WakeSender;
  readonly collaborators: Collaborators;
  /** Whether anybody is held at the moment: without demand nothing is woken. */
  readonly isWanted: () => boolean;
  /** The backend is ready, or did not become so in time. Called in the turn that decides it: no request can join between. */
  readonly onEnd: (isReady: boolean) => void;
}

/**
 * One attempt to bring a backend to ready: wakes it while somebody waits, and probes until it answers. Requests come and go
 * without touching it; it ends by itself, at success or when the time of the last request that joined it is up.
 */
export class Activation {
  readonly startedAtMs = performance.now();
  readonly #options: ActivationOptions;
  readonly #ended = new AbortController();
  #settings: BackendSettings;
  #target: ProbeTarget;
  #deadlineMs: number;
  #probes = 0;

  constructor(options: ActivationOptions) {
    const { settings, target, deadlineMs } = options.first;
    this.#options = options;
    this.#settings = settings;
    this.#target = target;
    this.#deadlineMs = deadlineMs;
  }

  get settings(): BackendSettings {
    return this.#settings;
  }

  get target(): ProbeTarget {
    return this.#target;
  }

  get probes(): number {
    return this.#probes;
  }

  get elapsedMs(): number {
    return performance.now() - this.startedAtMs;
  }

  start(): void {
    void this.#wakeUntilEnded();
    void this.#probeUntilEnded();
  }

  /**
   * A further request gives the attempt at least its own time. Its settings and target count from now on: a reload may have
   * mended the address at which all others would wait in vain.
   */
  join({ settings, target, deadlineMs }: ActivationRequest): void {
    this.#settings = settings;
    this.#target = target;
    this.#deadlineMs = Math.max(this.#deadlineMs, deadlineMs);
  }

  async #probeUntilEnded(): Promise<void> {
    const { collaborators } = this.#options;
    for (;;) {
      const settings = this.#settings;
      const target = this.#target;
      const nextAtMs = performance.now() + settings.intervalMs;
      this.#probes += 1;
      const result = await collaborators.probe(target);
      collaborators.observe({
        event: "probe.answered",
        backend: settings.name,
        reason: "activation",
        result,
      });
      const isStillMeant = settings === this.#settings && target.url === this.#target.url;
      if (result.isReady && isStillMeant) return this.#end(true);
      if (performance.now() >= this.#deadlineMs) return this.#end(false);
      await sleep(Math.max(0, nextAtMs - performance.now()));
    }
  }

  #end(isReady: boolean): void {
    this.#ended.abort();
    this.#options.onEnd(isReady);
  }

  /** Does not wait for the end of a publish: a message that is under way when the backend answers may still arrive. */
  async #wakeUntilEnded(): Promise<void> {
    const { wakes, isWanted } = this.#options;
    const ended = this.#ended.signal;
    let reason: WakeReason = "activation";
    await pause(this.#firstWakeDelayMs(), ended);
    while (!ended.aborted) {
      if (isWanted()) {
        if (await wakes.publish(this.#settings, reason)) reason = "repeat";
        await pause(wakes.msUntilDue(this.#settings.wakeRepeatMs), ended);
      } else {
        await pause(this.#settings.intervalMs, ended);
      }
    }
  }

  /**
   * A recent message still lies in the wake queue, so the backend probably runs and was merely not asked for a while: it
   * is given the time of one probe before it is woken again.
   */
  #firstWakeDelayMs(): number {
    const { wakes } = this.#options;
    const { keepWarmIntervalMs, intervalMs, wakeRepeatMs } = this.#settings;
    const isRecent = wakes.ageMs < keepWarmIntervalMs;
    return Math.max(isRecent ? intervalMs : 0, wakes.msUntilDue(wakeRepeatMs));
  }
}

/** Waits, or ends early when the activation has ended: for its loops, that is no error. */
async function pause(ms: number, ended: AbortSignal): Promise<void> {
  if (ms > 0) await sleep(ms, ended).catch(() => {});
}
