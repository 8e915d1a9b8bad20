import type { BackendSettings } from "@kong-serverless/config";
import {
  NotReadyError,
  type ProbeBudget,
  type ProbeResult,
  type ProbeTarget,
  waitUntilReady,
} from "@kong-serverless/health-poller";
import { pause } from "@kong-serverless/runtime";

import type { ActivatorDeps, PodAddress } from "./activator-deps.ts";
import type { WakeReason } from "./events.ts";
import { PodProbes } from "./pod-probes.ts";
import type { StartUpTimes } from "./start-up-times.ts";
import type { WakeSender } from "./wake-sender.ts";

/** What a request that is held wants of the attempt. */
export interface ActivationRequest {
  readonly settings: BackendSettings;
  readonly target: ProbeTarget;
  /** On the clock of `performance.now()`. */
  readonly deadlineMs: number;
}

/** Another backend that must be ready before what is held here goes on. */
interface AwaitedBackend {
  readonly name: string;
  /** By its own probe, whatever it waits for in turn: two that wait for each other both get somewhere. */
  readonly isReadyItself: boolean;
  /** Of its latest activation, those of others left out. */
  readonly ownProbes: number;
  /** Settles once its activation has an answer, good or bad; undefined while there is none. */
  readonly answered: Promise<void> | undefined;
}

export interface ActivationOptions {
  readonly first: ActivationRequest;
  readonly wakes: WakeSender;
  readonly deps: ActivatorDeps;
  /** Shared by all activations of the process. */
  readonly budget: ProbeBudget;
  readonly startUpTimes: StartUpTimes;
  /** Whether anybody is held at the moment: without demand nothing is woken. */
  readonly isWanted: () => boolean;
  /** A pod behind the backend's Service has answered, which the Service itself may not yet do. */
  readonly onPodReady: (pod: PodAddress) => void;
  /** Those of its chain that are not ready yet. */
  readonly blockers: () => readonly AwaitedBackend[];
  /** Wakes the chain (again, for those that have been given up), for as long as the attempt lasts. */
  readonly wakeChain: (deadlineMs: number) => void;
  /** The backend and what it waits for are ready, or did not become so in time. Called in the turn that decides it: no request can join between. */
  readonly onEnd: (isReady: boolean) => void;
}

/** How much later than it is due a repeated wake may go out, as a share of the time between two. */
const repeatSpread = 0.2;

/**
 * One attempt to bring a backend to ready: wakes it while somebody waits, and probes until it answers. Requests come and go
 * without touching it; it ends by itself, at success or when the time of the last request that joined it is up.
 */
export class Activation {
  readonly startedAtMs = performance.now();
  readonly #options: ActivationOptions;
  readonly #ended = new AbortController();
  readonly #pods: PodProbes;
  #settings: BackendSettings;
  #target: ProbeTarget;
  #deadlineMs: number;
  #attempts = 0;
  #probes = 0;
  #isReadyItself = false;
  /** Those of the chain that were not ready when it began. */
  #awaited: readonly AwaitedBackend[] = [];
  readonly #answered = Promise.withResolvers<void>();

  constructor(options: ActivationOptions) {
    const { settings, target, deadlineMs } = options.first;
    this.#options = options;
    this.#pods = new PodProbes({ deps: options.deps, onReady: options.onPodReady });
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

  /** Of this attempt; where it had to wait for others that took more, of theirs. */
  get probes(): number {
    return Math.max(this.#probes, ...this.#awaited.map(({ ownProbes }) => ownProbes));
  }

  get ownProbes(): number {
    return this.#probes;
  }

  get isReadyItself(): boolean {
    return this.#isReadyItself;
  }

  /** Settles at the backend's own answer, or when the time is up. */
  get answered(): Promise<void> {
    return this.#answered.promise;
  }

  get elapsedMs(): number {
    return performance.now() - this.startedAtMs;
  }

  start(): void {
    this.#awaited = this.#options.blockers();
    void this.#wakeUntilEnded();
    void this.#waitUntilReady();
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

  async #waitUntilReady(): Promise<void> {
    const { budget, startUpTimes } = this.#options;
    for (;;) {
      const startedAtMs = performance.now();
      try {
        await waitUntilReady({
          probe: (signal) => this.#probe(signal),
          intervalMs: () => this.#settings.intervalMs,
          deadlineMs: () => this.#deadlineMs - startedAtMs,
          budget,
          likelihood: () => startUpTimes.likelihood(this.elapsedMs),
          onAttempt: (_, attempt) => (this.#probes = attempt),
        });
        const readyAtMs = performance.now();
        this.#isReadyItself = true;
        this.#answered.resolve();
        if (this.#options.blockers().length === 0) return this.#end(true);
        await this.#waitForChain();
        if (this.#options.blockers().length > 0) {
          if (performance.now() < this.#deadlineMs) continue;
          return this.#end(false);
        }
        // What answered long before the others did may be gone again.
        if (performance.now() - readyAtMs <= this.#settings.readyLeaseMs) return this.#end(true);
      } catch (error) {
        // A request that joined in the very turn in which the time was up has brought time of its own.
        const hasTime = error instanceof NotReadyError && performance.now() < this.#deadlineMs;
        if (!hasTime) return this.#end(false);
      }
    }
  }

  /** Ends when the whole chain is ready, or when the time is up. */
  async #waitForChain(): Promise<void> {
    const { blockers, wakeChain } = this.#options;
    while (blockers().length > 0) {
      const leftMs = this.#deadlineMs - performance.now();
      if (leftMs <= 0) return;
      wakeChain(this.#deadlineMs);
      const over = new AbortController();
      const answers = blockers().map(
        ({ answered }) => answered ?? pause(this.#settings.intervalMs, over.signal),
      );
      await Promise.race([Promise.all(answers), pause(leftMs, over.signal)]);
      over.abort();
    }
  }

  async #probe(signal: AbortSignal): Promise<ProbeResult> {
    const { probe, observe } = this.#options.deps;
    const settings = this.#settings;
    const target = this.#target;
    // Not at once: a Service that leads to ready pods answers by itself, and knows how to share them out.
    if (this.#attempts > 0 && settings.upstream === undefined) this.#pods.ask(target, this.#ended.signal);
    this.#attempts += 1;
    const result = await probe(target, signal);
    if (signal.aborted) return result;
    observe({ event: "probe.answered", backend: settings.name, reason: "activation", result });
    const isStillMeant = settings === this.#settings && target.url === this.#target.url;
    return isStillMeant ? result : { ...result, isReady: false };
  }

  #end(isReady: boolean): void {
    this.#ended.abort();
    this.#answered.resolve();
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
        // A thousand activations that began together do not repeat their messages in one turn.
        const repeatMs = this.#settings.wakeRepeatMs * (1 + Math.random() * repeatSpread);
        await pause(wakes.msUntilDue(repeatMs), ended);
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
