import type { BackendSettings } from "@kong-serverless/config";
import type { ProbeBudget, ProbeTarget } from "@kong-serverless/health-poller";
import { ServerlessError } from "@kong-serverless/runtime";

import { Activation, type ActivationRequest } from "./activation.ts";
import type { ActivatorDeps, PodAddress } from "./activator-deps.ts";
import { Chain } from "./chain.ts";
import type { ClientLimits, Clients } from "./clients.ts";
import { HeldRequests, type HeldTotal } from "./held-requests.ts";
import { InFlight } from "./in-flight.ts";
import { PacedRelease } from "./paced-release.ts";
import { upstreamTarget } from "./probe-target.ts";
import { ReadyLease } from "./ready-lease.ts";
import { StartUpTimes } from "./start-up-times.ts";
import type { TimerWheel } from "./timer-wheel.ts";
import { Upkeep } from "./upkeep.ts";
import { WakeSender } from "./wake-sender.ts";

type State =
  | { readonly name: "cold" }
  | { readonly name: "activating"; readonly activation: Activation }
  | {
      readonly name: "ready";
      readonly lease: ReadyLease;
      /** Of the activation that led here. */
      readonly probes: number;
    };

/** For how many turns of its upkeep a backend in use vouches for its chain: there is always another turn in time. */
const turnsVouchedFor = 2;
/**
 * A backend that answers at once after a pause may be one that was just scaled to zero and answers until its preStop is over. After this
 * long it is not: the scaler has seen the wake, and any pod that it told to stop before has stopped.
 */
const stoppingMs = 10_000;

/** Limits of a gateway, for all its backends together. */
export interface GatewayLimits extends ClientLimits {
  readonly maxHeldTotal: number;
  /** Activations at the same time; 0: any number. */
  readonly maxActivations: number;
}

export interface HoldRequest {
  /** Where this backend is probed. */
  readonly target: ProbeTarget;
  /** When the request arrived, on the clock of `performance.now()`. */
  readonly arrivedAtMs: number;
  /** Milliseconds from its arrival after which the request is answered; never above the backend's `holdTimeoutMs`. */
  readonly timeoutMs: number;
  readonly limits: GatewayLimits;
  /** Whose request it is, where limits for each client are set. */
  readonly client?: string;
  /** Aborts when the client leaves. */
  readonly signal?: AbortSignal;
}

/** What a request waited for. */
export interface HoldResult {
  readonly waitedMs: number;
  /** Probes of the activation that the request was held for; 0 when the backend was ready by the time it could be held. */
  readonly probes: number;
  /** Where the request has to go, when its pod is ready but its Service does not lead there yet. */
  readonly pod?: PodAddress;
}

export interface BackendParts {
  readonly deps: ActivatorDeps;
  readonly budget: ProbeBudget;
  readonly wheel: TimerWheel;
  readonly heldTotal: HeldTotal;
  readonly clients: Clients;
  /** Activations under way. */
  readonly activating: { count: number };
  readonly find: (name: string) => Backend | undefined;
  readonly all: () => readonly Backend[];
}

/** A backend as the gateway sees it: cold, activating or ready, with the requests held for it and in flight to it. */
export class Backend {
  readonly name: string;
  readonly #parts: BackendParts;
  readonly #held: HeldRequests;
  readonly #wakes: WakeSender;
  readonly #inFlight = new InFlight();
  readonly #startUpTimes = new StartUpTimes();
  #settings: BackendSettings;
  /** A pod that is ahead of its Service: it counts for as long as an answer does, and is asked again all the time. */
  #ahead: { readonly pod: PodAddress; readonly untilMs: number } | undefined;
  #state: State = { name: "cold" };
  #lastRequestMs = -Infinity;
  #hadTraffic = false;
  readonly #upkeep = new Upkeep(() => this.#keepUp());
  readonly #release: PacedRelease;
  readonly #chain: Chain<Backend>;
  /** Others that have held requests which need this one too. Looked through before it is believed. */
  readonly #wantedBy = new Set<Backend>();
  /** Others that need this one are used until then. */
  #usedAlongUntilMs = -Infinity;
  /** Until then its pods may be stopping, although they answer. */
  #mayStopUntilMs = -Infinity;
  /** Where it was last probed for a request of its own. */
  #knownTarget: ProbeTarget | undefined;
  /** What the latest activation waited for in vain, although the backend itself was ready. */
  #blockedBy: readonly string[] = [];

  constructor(settings: BackendSettings, parts: BackendParts) {
    this.name = settings.name;
    this.#settings = settings;
    this.#parts = parts;
    this.#held = new HeldRequests(settings.name, parts.wheel, parts.heldTotal);
    this.#release = new PacedRelease({
      held: this.#held,
      inFlight: this.#inFlight,
      concurrency: () => this.#settings.releaseConcurrency,
      isOpen: () => this.#isOpen(),
    });
    this.#wakes = new WakeSender(parts.deps);
    this.#chain = new Chain<Backend>(this, parts.find, parts.deps.observe);
  }

  get settings(): BackendSettings {
    return this.#settings;
  }

  set settings(settings: BackendSettings) {
    this.#settings = settings;
    this.#ahead = undefined;
    // What was ready may have been another address. An activation under way goes on for those that are held.
    if (this.#state.name === "ready") {
      this.#state = { name: "cold" };
      this.#loseDependents();
      this.#activateForHeld();
    }
    // What was sent may have gone to another topic.
    this.#wakes.forget();
    this.#parts.deps.observe({ event: "settings.replaced", backend: this.name });
  }

  /** `ready` only within the lease: after it, nobody knows. */
  get state(): "cold" | "activating" | "ready" {
    if (this.#state.name === "ready" && !this.#isWarm(performance.now())) return "cold";
    return this.#state.name;
  }

  /** Milliseconds for which requests may pass without asking; 0 while others are held. */
  get leaseLeftMs(): number {
    if (this.#held.count > 0) return 0;
    return this.#state.name === "ready" ? Math.max(0, this.#state.lease.leftMs(performance.now())) : 0;
  }

  get demand(): { readonly held: number; readonly inFlight: number } {
    return { held: this.#held.count, inFlight: this.#inFlight.count };
  }

  /** Whether others that are held for, or used, need this one: as if a request of its own were there. */
  get isWantedByOthers(): boolean {
    for (const other of this.#wantedBy) {
      if (other.#held.count > 0) return true;
      this.#wantedBy.delete(other);
    }
    return performance.now() < this.#usedAlongUntilMs;
  }

  /** Ready by its own probe, whatever it waits for in turn. */
  get isReadyItself(): boolean {
    if (this.#state.name === "activating") return this.#state.activation.isReadyItself;
    return this.#isWarm(performance.now());
  }

  /** Probes of the latest activation; 0 when there has been none since the backend was lost. */
  get ownProbes(): number {
    if (this.#state.name === "activating") return this.#state.activation.ownProbes;
    return this.#state.name === "ready" ? this.#state.probes : 0;
  }

  /** Settles once an activation that is under way has an answer. */
  get answered(): Promise<void> | undefined {
    return this.#state.name === "activating" ? this.#state.activation.answered : undefined;
  }

  /** Milliseconds since the latest request for this backend. */
  get idleMs(): number {
    return performance.now() - this.#lastRequestMs;
  }

  /** Whether requests are held, in flight, or may be, or something is done for those that were. */
  get isInUse(): boolean {
    if (this.#state.name === "activating" || this.#held.count > 0) return true;
    return this.#inFlight.isActive(performance.now()) || this.#upkeep.isGoingOn;
  }

  /** Milliseconds after which a refused client should retry, from this backend's own past starts. */
  get retryAfterMs(): number {
    const elapsedMs = this.#state.name === "activating" ? this.#state.activation.elapsedMs : 0;
    return this.#startUpTimes.remainingMs(elapsedMs);
  }

  /** Lets a request pass if the backend is warm and nobody waits; otherwise it must be held. No I/O, no promise. */
  admit(): boolean {
    const nowMs = performance.now();
    if (!this.#mayPass(nowMs) || this.#held.count > 0) return false;
    this.#pass(nowMs);
    return true;
  }

  /**
   * Holds a request until the backend is ready; then it is to be counted as in flight, in the same turn. The first one
   * starts an activation, all others join it. Rejects with HOLD_TIMEOUT or CHAIN_NOT_READY, with HELD_LIMIT_REACHED,
   * ACTIVATION_LIMIT_REACHED, CLIENT_LIMIT_REACHED or PROBE_TARGET_UNKNOWN, or with the signal's reason.
   */
  async hold(request: HoldRequest): Promise<HoldResult> {
    if (this.admit()) return { waitedMs: performance.now() - request.arrivedAtMs, probes: 0 };
    const { holdTimeoutMs, maxHeldPerBackend } = this.#settings;
    this.#lastRequestMs = performance.now();
    this.#held.assertRoom({ maxHeldPerBackend, maxHeldTotal: request.limits.maxHeldTotal });
    request.signal?.throwIfAborted();
    this.#knownTarget = request.target;
    this.#assertChainKnown();
    const leaveClient = this.#admitClient(request);

    const timeoutMs = Math.min(request.timeoutMs, holdTimeoutMs);
    const deadlineMs = request.arrivedAtMs + timeoutMs;
    const held = this.#held.hold(deadlineMs, () => this.#timeoutError(), request.signal);
    const start =
      this.#state.name === "ready" && this.#isWarm(performance.now())
        ? this.#state
        : this.#joinActivation({
            settings: this.#settings,
            target: request.target,
            // The attempt outlives a request that is answered early, for instance with a waiting page: it will come again.
            deadlineMs: request.arrivedAtMs + holdTimeoutMs,
          });
    this.#parts.deps.observe({ event: "request.held", backend: this.name, held: this.#held.count });
    if (this.#podAhead !== undefined) this.#release.goOn();
    if (!this.#mayPass(performance.now())) void this.#renewLease();
    try {
      await held;
    } finally {
      leaveClient();
    }
    this.#pass(performance.now());
    const pod = this.#podAhead;
    const waitedMs = performance.now() - request.arrivedAtMs;
    return { waitedMs, probes: start.probes, ...(pod !== undefined && { pod }) };
  }

  /** Counts a request that passes as in flight. Returns the id under which it ends. */
  begin(): number {
    return this.#inFlight.begin(performance.now());
  }

  /** A forwarded request has ended, perhaps not for the first time. */
  ended(id: number): void {
    this.#inFlight.end(id);
    this.#release.goOnSoon();
  }

  /** A request has ended that was forwarded before this process started. */
  strayEnded(): void {
    this.#inFlight.endStray(performance.now());
    this.#startUpkeep();
  }

  /** Instead of `begin`, for a request that passes in a gateway that counts for itself. */
  handOver(): void {
    this.#inFlight.handOver(performance.now());
  }

  /** What a gateway counts itself: its requests in flight now, and how many it let pass by itself since its last report. */
  report(
    gateway: string,
    { inFlight, passed }: { readonly inFlight: number; readonly passed: number },
  ): void {
    this.#inFlight.report(gateway, inFlight);
    this.#release.goOnSoon();
    if (passed > 0) {
      this.#lastRequestMs = performance.now();
      this.#hadTraffic = true;
    }
    if (passed > 0 || inFlight > 0) this.#startUpkeep();
  }

  /** The proxy could not reach the backend, whatever its lease says: further requests are held until a probe says ready. */
  unreachable(): void {
    if (this.#ahead !== undefined) this.#ahead = { ...this.#ahead, untilMs: -Infinity };
    if (this.#state.name === "ready") this.#loseLease("proxy");
  }

  get #podAhead(): PodAddress | undefined {
    return this.#ahead !== undefined && this.#ahead.untilMs > performance.now() ? this.#ahead.pod : undefined;
  }

  #isWarm(nowMs: number): boolean {
    if (this.#settings.health === undefined) return true;
    return this.#state.name === "ready" && this.#state.lease.isFresh(nowMs);
  }

  /** Whether its latest answer is enough for another request. */
  #mayPass(nowMs: number): boolean {
    if (this.#settings.health === undefined) return true;
    return this.#state.name === "ready" && this.#state.lease.leftMs(nowMs) > 0;
  }

  #pass(nowMs: number): void {
    this.#lastRequestMs = nowMs;
    this.#hadTraffic = true;
    this.#startUpkeep();
  }

  /** Checks what the gateway, and this client, may have at the moment. Returns what to call when the request is no longer held. */
  #admitClient({ client, limits }: HoldRequest): () => void {
    const { activating, clients } = this.#parts;
    const isActivation = this.#held.count === 0 && this.#state.name !== "activating";
    // A recent message still lies in the wake queue: nothing more is woken.
    const isColdStart = isActivation && this.#wakes.ageMs >= this.#settings.keepWarmIntervalMs;
    if (isActivation && limits.maxActivations > 0 && activating.count >= limits.maxActivations) {
      const message = `${activating.count} backends are being started already; at most ${limits.maxActivations} are.`;
      throw new ServerlessError("ACTIVATION_LIMIT_REACHED", message, { backend: this.name });
    }
    if (client === undefined) return () => {};
    clients.assertRoom(client, limits, isColdStart, this.name);
    return clients.hold(client, isColdStart);
  }

  /** Joins or starts an activation, and has the chain woken in the same moment. */
  #joinActivation(request: ActivationRequest): Activation {
    const activation = this.#joinOwnActivation(request);
    this.#wakeChain(request.deadlineMs);
    return activation;
  }

  #joinOwnActivation(request: ActivationRequest, wokenBy?: string): Activation {
    if (this.#state.name === "activating") {
      this.#state.activation.join(request);
      return this.#state.activation;
    }
    const { deps, budget } = this.#parts;
    this.#blockedBy = [];
    // A recent message keeps it awake.
    if (this.#wakes.ageMs >= this.#settings.keepWarmIntervalMs) {
      this.#mayStopUntilMs = performance.now() + stoppingMs;
    }
    const activation = new Activation({
      first: request,
      wakes: this.#wakes,
      deps,
      budget,
      startUpTimes: this.#startUpTimes,
      isWanted: () => this.#held.count > 0 || this.#podAhead !== undefined || this.isWantedByOthers,
      onPodReady: (pod) => this.#podReady(activation, pod),
      blockers: () => this.#blockers(),
      wakeChain: (deadlineMs) => this.#wakeChain(deadlineMs),
      onEnd: (isReady) => this.#finish(activation, isReady),
    });
    this.#state = { name: "activating", activation };
    this.#parts.activating.count += 1;
    deps.observe({
      event: "activation.started",
      backend: this.name,
      ...(wokenBy !== undefined && { wokenBy }),
    });
    activation.start();
    return activation;
  }

  #podReady({ elapsedMs: waitedMs }: Activation, pod: PodAddress): void {
    // It is asked again, also when what it waits for is ready.
    if (this.#blockers().length > 0) return;
    const isFirst = this.#ahead === undefined;
    this.#ahead = { pod, untilMs: performance.now() + this.#settings.readyLeaseMs };
    if (isFirst) {
      this.#startUpTimes.add(waitedMs);
      const event = "activation.pod_answered";
      const held = this.#held.count;
      this.#parts.deps.observe({ event, backend: this.name, pod: pod.host, waitedMs, held });
      this.#release.start();
    }
    this.#release.goOn();
  }

  #wakeChain(deadlineMs: number): void {
    for (const other of this.#chain.woken) other.#wakeFor(this, deadlineMs);
  }

  /** Wakes this backend for requests that another one holds, as if one were held here. */
  #wakeFor(other: Backend, deadlineMs: number): void {
    this.#wantedBy.add(other);
    this.#startUpkeep();
    const target = this.#probeTarget;
    // Without a place to probe, the upkeep wakes it.
    if (target === undefined || this.#isWarm(performance.now())) return;
    this.#joinOwnActivation({ settings: this.#settings, target, deadlineMs }, other.name);
  }

  /** Where it is probed when no request of its own says it. */
  get #probeTarget(): ProbeTarget | undefined {
    return upstreamTarget(this.#settings) ?? this.#knownTarget;
  }

  #blockers(): readonly Backend[] {
    return this.#chain.awaited.filter((other) => !other.isReadyItself);
  }

  #assertChainKnown(): void {
    for (const other of this.#chain.awaited) {
      if (other.#settings.health === undefined || other.#probeTarget !== undefined) continue;
      const message = `${this.name} waits for ${other.name}, which has no \`upstream\` and has had no request of its own: nobody knows where to probe it.`;
      throw new ServerlessError("PROBE_TARGET_UNKNOWN", message, { backend: other.name });
    }
  }

  #timeoutError(): ServerlessError {
    const { activation } = { activation: undefined, ...this.#state };
    const blockedBy = activation?.isReadyItself ? this.#blockers().map(({ name }) => name) : this.#blockedBy;
    const [blocker] = blockedBy;
    if (blocker !== undefined) {
      const message = `The backend ${this.name} waits for ${blockedBy.join(", ")}, which did not become ready in time.`;
      return new ServerlessError("CHAIN_NOT_READY", message, { backend: blocker });
    }
    const message = `The backend ${this.name} did not become ready in time.`;
    return new ServerlessError("HOLD_TIMEOUT", message, { backend: this.name });
  }

  #finish(activation: Activation, isReady: boolean): void {
    this.#parts.activating.count -= 1;
    const { observe } = this.#parts.deps;
    const { probes, elapsedMs: waitedMs, target } = activation;
    const wasAhead = this.#ahead !== undefined;
    this.#ahead = undefined;
    if (!isReady) {
      this.#state = { name: "cold" };
      if (activation.isReadyItself) this.#blockedBy = this.#blockers().map(({ name }) => name);
      const isBlocked = this.#blockedBy.length > 0;
      observe({
        event: "activation.failed",
        backend: this.name,
        code: isBlocked ? "CHAIN_NOT_READY" : "NOT_READY_IN_TIME",
        waitedMs,
        probes,
        ...(isBlocked && { blockedBy: this.#blockedBy }),
      });
      return;
    }
    // An answer at the first probe was no start: the backend had been running.
    if (probes > 1 && !wasAhead) this.#startUpTimes.add(waitedMs);
    // It did not answer at first: this is another pod.
    if (probes > 1) this.#mayStopUntilMs = -Infinity;
    const { readyLeaseMs: durationMs, intervalMs: briefMs } = this.#settings;
    const firmAtMs = this.#mayStopUntilMs;
    this.#state =
      activation.settings === this.#settings
        ? { name: "ready", lease: new ReadyLease({ target, durationMs, briefMs, firmAtMs }), probes }
        : { name: "cold" };
    observe({ event: "activation.ready", backend: this.name, waitedMs, probes, held: this.#held.count });
    // A backend that turns out to have been running may have any number of replicas; not if it was lost while requests
    // waited for their turn.
    const mayTakeAll = probes === 1 && !this.#release.isGoingOn;
    if (!wasAhead) this.#release.start();
    if (mayTakeAll) this.#held.release(Infinity);
    else this.#release.goOn();
    if (this.#state.name === "cold") this.#activateForHeld();
  }

  /** Whether held requests may go on. Where the lease has lapsed meanwhile, they are activated for. */
  #isOpen(): boolean {
    if (this.#podAhead !== undefined) return true;
    if (this.#state.name !== "ready") return false;
    if (this.#isWarm(performance.now())) return true;
    this.#activateForHeld();
    return false;
  }

  /** Requests that were still waiting to be released when the backend was lost wait for the next activation. */
  #activateForHeld(): void {
    const target = this.#probeTarget;
    if (this.#held.count === 0 || target === undefined) return;
    const deadlineMs = performance.now() + this.#settings.holdTimeoutMs;
    this.#joinActivation({ settings: this.#settings, target, deadlineMs });
  }

  #loseLease(cause: "probe" | "proxy" | "chain"): void {
    this.#state = { name: "cold" };
    this.#parts.deps.observe({ event: "lease.lost", backend: this.name, cause });
    this.#loseDependents();
    this.#activateForHeld();
  }

  /** Those that wait for this backend are of no use without it. Those that merely wake it are. */
  #loseDependents(): void {
    for (const other of this.#parts.all()) {
      if (other.#state.name !== "ready" || other.#settings.waitFor === undefined) continue;
      if (other.#chain.awaited.includes(this)) other.#loseLease("chain");
    }
  }

  get #upkeepMs(): number {
    const { readyLeaseMs, keepWarmIntervalMs } = this.#settings;
    return Math.min(readyLeaseMs, keepWarmIntervalMs || Infinity) / 4;
  }

  #startUpkeep(): void {
    this.#upkeep.start(this.#upkeepMs);
  }

  /** Others that need this one are used, at least until then. */
  #useAlong(untilMs: number): void {
    this.#usedAlongUntilMs = Math.max(this.#usedAlongUntilMs, untilMs);
    this.#startUpkeep();
  }

  /** Does what is due for a backend in use. Returns whether it still is. */
  #keepUp(): boolean {
    const nowMs = performance.now();
    const hadTraffic = this.#hadTraffic;
    this.#hadTraffic = false;
    const writtenOff = this.#inFlight.writeOff(nowMs, this.#settings.inFlightMaxSeconds);
    if (writtenOff > 0) {
      this.#parts.deps.observe({
        event: "in_flight.written_off",
        backend: this.name,
        inFlight: writtenOff,
      });
    }
    const isUsed = hadTraffic || this.#inFlight.isActive(nowMs);
    const isWantedByOthers = this.isWantedByOthers;
    if (!isUsed && !isWantedByOthers) return false;
    if (isUsed)
      for (const other of this.#chain.woken) other.#useAlong(nowMs + turnsVouchedFor * this.#upkeepMs);
    this.#keepWarm(isWantedByOthers);
    // Held requests that wait for their turn are traffic too: without a lease they would need another activation.
    if (hadTraffic || isWantedByOthers || this.#held.count > 0) void this.#renewLease();
    return true;
  }

  #keepWarm(isWantedByOthers: boolean): void {
    const { health, keepWarmIntervalMs, wakeRepeatMs } = this.#settings;
    // A backend that is never held for has no activation: each of its messages is one.
    const isHeldFor = health !== undefined && !(isWantedByOthers && this.#probeTarget === undefined);
    const intervalMs = keepWarmIntervalMs > 0 || isHeldFor ? keepWarmIntervalMs : wakeRepeatMs;
    if (intervalMs === 0 || this.#state.name === "activating" || this.#wakes.msUntilDue(intervalMs) > 0)
      return;
    void this.#wakes.publish(this.#settings, isHeldFor ? "keep-warm" : "activation");
  }

  async #renewLease(): Promise<void> {
    const state = this.#state;
    if (state.name !== "ready" || !state.lease.isDue(performance.now())) return;
    const { probe, observe } = this.#parts.deps;
    const result = await state.lease.renew(probe);
    observe({ event: "probe.answered", backend: this.name, reason: "lease", result });
    // It may have been lost otherwise meanwhile, and even regained.
    if (this.#state !== state) return;
    if (!result.isReady) this.#loseLease("probe");
    // Those that were held for this answer.
    else if (!this.#release.isGoingOn) this.#held.release(Infinity);
  }
}
