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
import type { Chain, ChainMember } from "./chain.ts";
import type { HeldRequests } from "./held-requests.ts";
import { PodProbes } from "./pod-probes.ts";
import type { StartUpTimes } from "./start-up-times.ts";
import type { WakeSender } from "./wake-sender.ts";

/** What a held request needs from the attempt. */
export interface ActivationRequest {
  readonly settings: BackendSettings;
  readonly target: ProbeTarget;
  /** On the clock of `performance.now()`. */
  readonly deadlineMs: number;
}

export interface ActivationOptions {
  readonly first: ActivationRequest;
  /** Another backend whose requests need this one. */
  readonly wokenBy: string | undefined;
  readonly deps: ActivatorDeps;
  /** Shared by all activations of the process. */
  readonly budget: ProbeBudget;
  readonly wakes: WakeSender;
  readonly held: HeldRequests;
  readonly chain: Chain;
  readonly startUpTimes: StartUpTimes;
  /** A pod has answered before its Service: requests may go to it. */
  readonly onPodReady: (isFirst: boolean) => void;
  /**
   * The backend and what it waits for are ready, or were not in time. Called in the turn that decides, so that no request can
   * join in between.
   */
  readonly onEnd: (isReady: boolean) => void;
}

/**
 * One attempt to make a backend ready: wakes it while somebody waits, and probes until it answers. Requests come and go
 * without affecting it; it ends by itself, with success or when the time of the last request that joined is up.
 */
export class Activation {
  readonly #options: ActivationOptions;
  readonly #startedAtMs = performance.now();
  readonly #ended = new AbortController();
  readonly #answered = Promise.withResolvers<void>();
  readonly #pods: PodProbes;
  /** A pod that is ready before its Service. Its answer counts as long as any; it is probed all the time. */
  #earlyPod: { readonly address: PodAddress; readonly untilMs: number } | undefined;
  #settings: BackendSettings;
  #target: ProbeTarget;
  #deadlineMs: number;
  #attempts = 0;
  #probes = 0;
  #isReadyItself = false;
  #hadBeenRunning: boolean | undefined;
  #wasDown = false;
  /** Members of the chain that were not ready at the start. */
  #awaited: readonly ChainMember[] = [];

  constructor(options: ActivationOptions) {
    const { settings, target, deadlineMs } = options.first;
    this.#options = options;
    this.#pods = new PodProbes({ deps: options.deps, onReady: (pod) => this.#podReady(pod) });
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

  /** Of this attempt, or of one that it waited for, if that took more. */
  get probes(): number {
    return Math.max(this.#probes, ...this.#awaited.map(({ ownProbes }) => ownProbes));
  }

  get ownProbes(): number {
    return this.#probes;
  }

  get isReadyItself(): boolean {
    return this.#isReadyItself;
  }

  /**
   * Whether the backend answered the first probe, so soon that the wake cannot have started it. A late answer to it, from a
   * socket that waited for its process, means a backend that has just started.
   */
  get hadBeenRunning(): boolean {
    return this.#hadBeenRunning === true;
  }

  /** Whether a probe has failed. A late answer is no failure: further probes start while the first has none. */
  get wasDown(): boolean {
    return this.#wasDown;
  }

  /** Settles at the backend's own answer, or at the end. */
  get answered(): Promise<void> {
    return this.#answered.promise;
  }

  get elapsedMs(): number {
    return performance.now() - this.#startedAtMs;
  }

  /** Whether a pod has been ready before its Service. */
  get hadEarlyPod(): boolean {
    return this.#earlyPod !== undefined;
  }

  get earlyPod(): PodAddress | undefined {
    const pod = this.#earlyPod;
    return pod !== undefined && pod.untilMs > performance.now() ? pod.address : undefined;
  }

  start(): void {
    const { wakes, chain, held, deps, wokenBy } = this.#options;
    const event = "activation.started";
    deps.observe({ event, backend: this.#settings.name, ...(wokenBy !== undefined && { wokenBy }) });
    this.#awaited = chain.blockers;
    void wakes.repeat({
      settings: () => this.#settings,
      isWanted: () => held.count > 0 || this.earlyPod !== undefined || chain.isNeeded,
      signal: this.#ended.signal,
    });
    void this.#run();
  }

  /**
   * A further request extends the attempt to its own deadline. Its settings and target apply from now on: a reload may have
   * corrected a wrong address.
   */
  join({ settings, target, deadlineMs }: ActivationRequest): void {
    this.#settings = settings;
    this.#target = target;
    this.#deadlineMs = Math.max(this.#deadlineMs, deadlineMs);
  }

  /** The early pod could not be reached: it gets no requests until it answers again. */
  suspendEarlyPod(): void {
    if (this.#earlyPod !== undefined) this.#earlyPod = { ...this.#earlyPod, untilMs: -Infinity };
  }

  forgetEarlyPod(): void {
    this.#earlyPod = undefined;
  }

  async #run(): Promise<void> {
    try {
      do {
        if (await this.#becomesReady()) return this.#end(true);
        // A request that joined in the turn in which the time was up has brought time of its own.
      } while (performance.now() < this.#deadlineMs);
    } catch {
      // A dependency broke its contract: this is a failed attempt, not the end of the process.
    }
    this.#end(false);
  }

  /** Resolves with whether the backend and everything that it waits for are ready. */
  async #becomesReady(): Promise<boolean> {
    const { budget, chain, startUpTimes } = this.#options;
    const startedAtMs = performance.now();
    try {
      const { attempts } = await waitUntilReady({
        probe: (signal) => this.#probe(signal),
        intervalMs: () => this.#settings.intervalMs,
        deadlineMs: () => this.#deadlineMs - startedAtMs,
        budget,
        likelihood: (nowMs) => startUpTimes.likelihood(nowMs - this.#startedAtMs),
        onAttempt: (_, attempt) => (this.#probes = attempt),
      });
      const wasSoon = this.elapsedMs <= this.#settings.probeConnectTimeoutMs;
      this.#hadBeenRunning ??= attempts === 1 && wasSoon;
    } catch (error) {
      if (error instanceof NotReadyError) return false;
      throw error;
    }
    const readyAtMs = performance.now();
    this.#isReadyItself = true;
    this.#answered.resolve();
    if (chain.blockers.length === 0) return true;
    await this.#waitForChain();
    // If the others took long, the backend's own answer may be out of date.
    return chain.blockers.length === 0 && performance.now() - readyAtMs <= this.#settings.readyLeaseMs;
  }

  /** Ends when the whole chain is ready, or when the time is up. */
  async #waitForChain(): Promise<void> {
    const { chain } = this.#options;
    while (chain.blockers.length > 0) {
      const leftMs = this.#deadlineMs - performance.now();
      if (leftMs <= 0) return;
      // Again for those whose activations have failed.
      chain.wake(this.#deadlineMs);
      const over = new AbortController();
      const answers = chain.blockers.map(
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
    // Not with the first probe: a Service that has ready pods answers itself, and balances between them.
    if (this.#attempts > 0 && settings.upstream === undefined) this.#pods.probe(target, this.#ended.signal);
    this.#attempts += 1;
    const result = await probe(target, signal);
    if (signal.aborted) return result;
    if (!result.isReady) this.#wasDown = true;
    observe({ event: "probe.answered", backend: settings.name, reason: "activation", result });
    const isCurrent = settings === this.#settings && target.url === this.#target.url;
    return isCurrent ? result : { ...result, isReady: false };
  }

  #podReady(pod: PodAddress): void {
    const { chain, deps, held, startUpTimes, onPodReady } = this.#options;
    // The pod is probed again, also once the chain is ready.
    if (chain.blockers.length > 0) return;
    const { name: backend, readyLeaseMs } = this.#settings;
    const isFirst = this.#earlyPod === undefined;
    this.#earlyPod = { address: pod, untilMs: performance.now() + readyLeaseMs };
    if (isFirst) {
      const waitedMs = this.elapsedMs;
      startUpTimes.add(waitedMs);
      deps.observe({ event: "activation.pod_answered", backend, pod: pod.host, waitedMs, held: held.count });
    }
    onPodReady(isFirst);
  }

  #end(isReady: boolean): void {
    this.#ended.abort();
    this.#answered.resolve();
    this.#options.onEnd(isReady);
  }
}
