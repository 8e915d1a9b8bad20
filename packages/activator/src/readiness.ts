import type { BackendSettings } from "@kong-serverless/config";
import type { ProbeTarget } from "@kong-serverless/health-poller";
import { ServerlessError } from "@kong-serverless/runtime";

import { Activation, type ActivationRequest } from "./activation.ts";
import type { PodAddress } from "./activator-deps.ts";
import type { BackendParts } from "./backend-parts.ts";
import { Chain, type ChainMember } from "./chain.ts";
import type { HeldRequests } from "./held-requests.ts";
import type { PacedRelease } from "./paced-release.ts";
import { probeTarget, upstreamUrl } from "./probe-target.ts";
import { ReadyLease } from "./ready-lease.ts";
import { StartUpTimes } from "./start-up-times.ts";
import type { WakeSender } from "./wake-sender.ts";

type State =
  | { readonly name: "cold" }
  | { readonly name: "activating"; readonly activation: Activation }
  | {
      readonly name: "ready";
      readonly lease: ReadyLease;
      /** Of the activation that led here. */
      readonly probes: number;
    };

/**
 * A backend that answers at once after a pause may have just been scaled to zero, and answers until its preStop is over. After
 * this long it has not: the scaler has seen the wake, and any pod that it told to stop before has stopped.
 */
const stoppingMs = 10_000;

export interface ReadinessOptions {
  readonly settings: BackendSettings;
  readonly parts: BackendParts;
  readonly wakes: WakeSender;
  readonly held: HeldRequests;
  readonly release: PacedRelease;
  readonly startUpkeep: () => void;
}

/** Whether a backend is cold, activating or ready, and how it gets from one to another. */
export class Readiness implements ChainMember {
  readonly name: string;
  readonly chain: Chain;
  readonly #options: ReadinessOptions;
  readonly #startUpTimes = new StartUpTimes();
  #settings: BackendSettings;
  #state: State = { name: "cold" };
  /** Where the route of the latest request leads. */
  #routeUrl: string | undefined;
  /** Until then its pods may be stopping, although they answer. */
  #mayStopUntilMs = -Infinity;
  /** The latest activation failed: if the backend answers at once the next time, it has just started. */
  #wasWokenInVain = false;
  /** What the latest activation waited for to no avail, although the backend itself was ready. */
  #blockedBy: readonly string[] = [];

  constructor(options: ReadinessOptions) {
    const { settings, parts } = options;
    this.name = settings.name;
    this.#settings = settings;
    this.#options = options;
    this.chain = new Chain({
      own: this,
      find: parts.find,
      all: parts.all,
      observe: parts.deps.observe,
    });
  }

  get settings(): BackendSettings {
    return this.#settings;
  }

  replaceSettings(settings: BackendSettings): void {
    this.#settings = settings;
    // Everything known may be about another address. An activation in progress continues for the held requests.
    if (this.#state.name === "activating") this.#state.activation.forgetEarlyPod();
    if (this.#state.name !== "ready") return;
    this.#state = { name: "cold" };
    this.chain.loseDependents();
    this.#activateForHeld();
  }

  /** `ready` only within the lease: after that, nobody knows. */
  get state(): State["name"] {
    return this.#state.name === "ready" && !this.#isWarm(performance.now()) ? "cold" : this.#state.name;
  }

  get isHolding(): boolean {
    return this.#options.held.count > 0;
  }

  get isProbeable(): boolean {
    return this.#settings.health === undefined || this.#target !== undefined;
  }

  get isReadyItself(): boolean {
    if (this.#state.name === "activating") return this.#state.activation.isReadyItself;
    return this.#isWarm(performance.now());
  }

  get ownProbes(): number {
    if (this.#state.name === "activating") return this.#state.activation.ownProbes;
    return this.#state.name === "ready" ? this.#state.probes : 0;
  }

  get answered(): Promise<void> | undefined {
    return this.#state.name === "activating" ? this.#state.activation.answered : undefined;
  }

  get leaseLeftMs(): number {
    return this.#state.name === "ready" ? Math.max(0, this.#state.lease.leftMs(performance.now())) : 0;
  }

  /** Milliseconds after which a refused client should retry, from this backend's own past starts. */
  get retryAfterMs(): number {
    const elapsedMs = this.#state.name === "activating" ? this.#state.activation.elapsedMs : 0;
    return this.#startUpTimes.remainingMs(elapsedMs);
  }

  /** Where requests go while a pod is ready and its Service is not. */
  get earlyPod(): PodAddress | undefined {
    return this.#state.name === "activating" ? this.#state.activation.earlyPod : undefined;
  }

  /** Whether the latest answer is enough for another request. */
  mayPass(nowMs: number): boolean {
    if (this.#settings.health === undefined) return true;
    return this.#state.name === "ready" && this.#state.lease.leftMs(nowMs) > 0;
  }

  /** Whether held requests may be released. If the lease has expired meanwhile, they get another activation. */
  isOpen(): boolean {
    if (this.earlyPod !== undefined) return true;
    if (this.#state.name !== "ready") return false;
    if (this.#isWarm(performance.now())) return true;
    this.#activateForHeld();
    return false;
  }

  /**
   * Where to probe the backend, given where the route of a request leads. Throws PROBE_TARGET_UNKNOWN if the backend, or one
   * that it waits for, cannot be probed.
   */
  locate(routeUrl: string | undefined): ProbeTarget {
    this.#routeUrl = routeUrl ?? this.#routeUrl;
    this.chain.assertProbeable();
    const target = this.#target;
    if (target !== undefined) return target;
    const message = `The backend ${this.name} has no \`upstream\`: nobody knows where to probe it.`;
    throw new ServerlessError("PROBE_TARGET_UNKNOWN", message, { backend: this.name });
  }

  /** Unless the backend is ready, wakes and probes it and its chain until `deadlineMs` at least. The result counts the probes. */
  activate(target: ProbeTarget, deadlineMs: number): { readonly probes: number } {
    if (this.#state.name === "ready" && this.#isWarm(performance.now())) return this.#state;
    const activation = this.#join({ settings: this.#settings, target, deadlineMs });
    this.chain.wake(deadlineMs);
    return activation;
  }

  wakeFor(other: string, deadlineMs: number): void {
    this.#options.startUpkeep();
    const target = this.#target;
    // Without a target, the upkeep wakes it.
    if (target === undefined || this.#isWarm(performance.now())) return;
    this.#join({ settings: this.#settings, target, deadlineMs }, other);
  }

  startUpkeep(): void {
    this.#options.startUpkeep();
  }

  /** The backend may be gone, whatever its lease says. */
  lose(cause: "probe" | "proxy" | "chain"): void {
    if (this.#state.name === "activating") {
      if (cause === "proxy") this.#state.activation.suspendEarlyPod();
      return;
    }
    if (this.#state.name === "cold") return;
    this.#state = { name: "cold" };
    this.#options.parts.deps.observe({ event: "lease.lost", backend: this.name, cause });
    this.chain.loseDependents();
    this.#activateForHeld();
  }

  /** Probes a ready backend whose lease is due. */
  async renewLease(): Promise<void> {
    const state = this.#state;
    if (state.name !== "ready" || !state.lease.isDue(performance.now())) return;
    const { held, release, parts } = this.#options;
    const result = await state.lease.renew(parts.deps.probe);
    parts.deps.observe({ event: "probe.answered", backend: this.name, reason: "lease", result });
    // It may have been lost for another reason meanwhile, and even regained.
    if (this.#state !== state) return;
    if (!result.isReady) this.lose("probe");
    // Those that were held for this answer.
    else if (!release.isGoingOn) held.release(Infinity);
  }

  /** Why a request was held for too long. */
  timeoutError(): ServerlessError {
    const isReadyItself = this.#state.name === "activating" && this.#state.activation.isReadyItself;
    const blockedBy = isReadyItself ? this.#blockers : this.#blockedBy;
    const [blocker] = blockedBy;
    if (blocker !== undefined) {
      const message = `The backend ${this.name} waits for ${blockedBy.join(", ")}, which did not become ready in time.`;
      return new ServerlessError("CHAIN_NOT_READY", message, { backend: blocker });
    }
    const message = `The backend ${this.name} did not become ready in time.`;
    return new ServerlessError("HOLD_TIMEOUT", message, { backend: this.name });
  }

  get #target(): ProbeTarget | undefined {
    const url = upstreamUrl(this.#settings) ?? this.#routeUrl;
    return url === undefined ? undefined : probeTarget(url, this.#settings);
  }

  get #blockers(): readonly string[] {
    return this.chain.blockers.map(({ name }) => name);
  }

  #isWarm(nowMs: number): boolean {
    if (this.#settings.health === undefined) return true;
    return this.#state.name === "ready" && this.#state.lease.isFresh(nowMs);
  }

  #join(request: ActivationRequest, wokenBy?: string): Activation {
    if (this.#state.name === "activating") {
      this.#state.activation.join(request);
      return this.#state.activation;
    }
    const { parts, wakes, held, release } = this.#options;
    this.#blockedBy = [];
    // A recent wake message keeps it awake.
    if (wakes.ageMs >= this.#settings.keepWarmIntervalMs)
      this.#mayStopUntilMs = performance.now() + stoppingMs;
    const activation = new Activation({
      first: request,
      wokenBy,
      deps: parts.deps,
      budget: parts.budget,
      wakes,
      held,
      chain: this.chain,
      startUpTimes: this.#startUpTimes,
      onPodReady: (isFirst) => {
        if (isFirst) release.start();
        release.goOn();
      },
      onEnd: (isReady) => (isReady ? this.#succeed(activation) : this.#fail(activation)),
    });
    this.#state = { name: "activating", activation };
    parts.activating.count += 1;
    parts.starts.add(() => activation.start());
    return activation;
  }

  #fail({ probes, elapsedMs: waitedMs, isReadyItself }: Activation): void {
    const { parts } = this.#options;
    parts.activating.count -= 1;
    this.#state = { name: "cold" };
    this.#wasWokenInVain = true;
    if (isReadyItself) this.#blockedBy = this.#blockers;
    const isBlocked = this.#blockedBy.length > 0;
    parts.deps.observe({
      event: "activation.failed",
      backend: this.name,
      code: isBlocked ? "CHAIN_NOT_READY" : "NOT_READY_IN_TIME",
      waitedMs,
      probes,
      ...(isBlocked && { blockedBy: this.#blockedBy }),
    });
  }

  #succeed(activation: Activation): void {
    const { probes, elapsedMs: waitedMs, target, settings, hadEarlyPod, wasDown } = activation;
    const { parts, held, release } = this.#options;
    parts.activating.count -= 1;
    // If the first probe was ready, the backend had been running.
    if (probes > 1 && !hadEarlyPod) this.#startUpTimes.add(waitedMs);
    // This is another pod than the one that may be stopping.
    if (wasDown) this.#mayStopUntilMs = -Infinity;
    const { readyLeaseMs: durationMs, intervalMs: briefMs } = this.#settings;
    const lease = new ReadyLease({ target, durationMs, briefMs, firmAtMs: this.#mayStopUntilMs });
    this.#state = settings === this.#settings ? { name: "ready", lease, probes } : { name: "cold" };
    const event = "activation.ready";
    parts.deps.observe({ event, backend: this.name, waitedMs, probes, held: held.count });
    // A backend that had been running may have any number of replicas, unless it was lost while requests waited their turn.
    const hadBeenRunning = probes === 1 && activation.hadBeenRunning && !this.#wasWokenInVain;
    const mayTakeAll = hadBeenRunning && !release.isGoingOn;
    this.#wasWokenInVain = false;
    if (!hadEarlyPod) release.start();
    if (mayTakeAll) held.release(Infinity);
    else release.goOn();
    if (this.#state.name === "cold") this.#activateForHeld();
  }

  /** Requests that were still held when the backend was lost get another activation. */
  #activateForHeld(): void {
    const target = this.#target;
    if (this.isHolding && target !== undefined)
      this.activate(target, performance.now() + this.#settings.holdTimeoutMs);
  }
}
