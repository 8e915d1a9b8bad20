import type { BackendSettings } from "@kong-serverless/config";

import { Activation, type ActivationRequest } from "./activation.ts";
import type { Collaborators, ProbeTarget } from "./collaborators.ts";
import { HeldRequests, type HeldTotal } from "./held-requests.ts";
import { InFlight } from "./in-flight.ts";
import { ReadyLease } from "./ready-lease.ts";
import { StartUpTimes } from "./start-up-times.ts";
import type { TimerWheel } from "./timer-wheel.ts";
import { Upkeep } from "./upkeep.ts";
import { WakeSender } from "./wake-sender.ts";

type State =
  | { readonly name: "cold" }
  | { readonly name: "activating"; readonly activation: Activation }
  | { readonly name: "ready"; readonly lease: ReadyLease };

export interface HoldRequest {
  /** Where this backend is probed. */
  readonly target: ProbeTarget;
  /** When the request arrived, on the clock of `performance.now()`. */
  readonly arrivedAtMs: number;
  /** Milliseconds from its arrival after which the request is answered; never above the backend's `holdTimeoutMs`. */
  readonly timeoutMs: number;
  readonly maxHeldTotal: number;
  /** Aborts when the client leaves. */
  readonly signal?: AbortSignal;
}

/** What a request waited for. */
export interface Held {
  readonly waitedMs: number;
  /** Probes of the activation that the request was held for; 0 when the backend was ready by the time it could be held. */
  readonly probes: number;
}

export interface BackendParts {
  readonly collaborators: Collaborators;
  readonly wheel: TimerWheel;
  readonly heldTotal: HeldTotal;
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
  #state: State = { name: "cold" };
  #lastRequestMs = -Infinity;
  #hadTraffic = false;
  readonly #upkeep = new Upkeep(() => this.#keepUp());

  constructor(settings: BackendSettings, parts: BackendParts) {
    this.name = settings.name;
    this.#settings = settings;
    this.#parts = parts;
    this.#held = new HeldRequests(settings.name, parts.wheel, parts.heldTotal);
    this.#wakes = new WakeSender(parts.collaborators);
  }

  get settings(): BackendSettings {
    return this.#settings;
  }

  set settings(settings: BackendSettings) {
    this.#settings = settings;
    // What was ready may have been another address. An activation under way goes on for those that are held.
    if (this.#state.name === "ready") this.#state = { name: "cold" };
    // What was sent may have gone to another topic.
    this.#wakes.forget();
    this.#parts.collaborators.observe({ event: "settings.replaced", backend: this.name });
  }

  /** `ready` only within the lease: after it, nobody knows. */
  get state(): "cold" | "activating" | "ready" {
    if (this.#state.name === "ready" && !this.#isWarm(performance.now())) return "cold";
    return this.#state.name;
  }

  /** Milliseconds for which the backend counts as ready without a probe; 0 when it does not. */
  get leaseLeftMs(): number {
    return this.#state.name === "ready" ? Math.max(0, this.#state.lease.leftMs(performance.now())) : 0;
  }

  get demand(): { readonly held: number; readonly inFlight: number } {
    return { held: this.#held.count, inFlight: this.#inFlight.count };
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

  /** Milliseconds after which a refused client had better come again, from this backend's own past starts. */
  get retryAfterMs(): number {
    const elapsedMs = this.#state.name === "activating" ? this.#state.activation.elapsedMs : 0;
    return this.#startUpTimes.remainingMs(elapsedMs);
  }

  /** Lets a request pass if the backend is warm; otherwise it must be held. No I/O, no promise. */
  admit(): boolean {
    const nowMs = performance.now();
    if (!this.#isWarm(nowMs)) return false;
    this.#pass(nowMs);
    return true;
  }

  /**
   * Holds a request until the backend is ready; then it is to be counted as in flight, in the same turn. The first one
   * starts an activation, all others join it. Rejects with HOLD_TIMEOUT, HELD_LIMIT_REACHED, or the signal's reason.
   */
  async hold(request: HoldRequest): Promise<Held> {
    if (this.admit()) return { waitedMs: performance.now() - request.arrivedAtMs, probes: 0 };
    const { holdTimeoutMs, maxHeld } = this.#settings;
    this.#lastRequestMs = performance.now();
    this.#held.assertRoom({ maxHeld, maxHeldTotal: request.maxHeldTotal });
    request.signal?.throwIfAborted();

    const timeoutMs = Math.min(request.timeoutMs, holdTimeoutMs);
    const held = this.#held.hold(request.arrivedAtMs + timeoutMs, request.signal);
    const activation = this.#joinActivation({
      settings: this.#settings,
      target: request.target,
      // The attempt outlives a request that is answered early, for instance with a waiting page: it will come again.
      deadlineMs: request.arrivedAtMs + holdTimeoutMs,
    });
    this.#parts.collaborators.observe({ event: "request.held", backend: this.name, held: this.#held.count });
    await held;
    this.#pass(performance.now());
    return { waitedMs: performance.now() - request.arrivedAtMs, probes: activation.probes };
  }

  /** Counts a request that passes as in flight. Returns the id under which it ends. */
  begin(): number {
    return this.#inFlight.begin(performance.now());
  }

  /** A forwarded request has ended, perhaps not for the first time. */
  ended(id: number): void {
    this.#inFlight.end(id);
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
    if (passed > 0) {
      this.#lastRequestMs = performance.now();
      this.#hadTraffic = true;
    }
    if (passed > 0 || inFlight > 0) this.#startUpkeep();
  }

  /** The proxy could not reach the backend, whatever its lease says: further requests are held until a probe says ready. */
  unreachable(): void {
    if (this.#state.name === "ready") this.#loseLease("proxy");
  }

  #isWarm(nowMs: number): boolean {
    if (this.#settings.health === undefined) return true;
    return this.#state.name === "ready" && this.#state.lease.isValid(nowMs);
  }

  #pass(nowMs: number): void {
    this.#lastRequestMs = nowMs;
    this.#hadTraffic = true;
    this.#startUpkeep();
  }

  #joinActivation(request: ActivationRequest): Activation {
    if (this.#state.name === "activating") {
      this.#state.activation.join(request);
      return this.#state.activation;
    }
    const { collaborators } = this.#parts;
    const activation = new Activation({
      first: request,
      wakes: this.#wakes,
      collaborators,
      isWanted: () => this.#held.count > 0,
      onEnd: (isReady) => this.#finish(activation, isReady),
    });
    this.#state = { name: "activating", activation };
    collaborators.observe({ event: "activation.started", backend: this.name });
    activation.start();
    return activation;
  }

  #finish(activation: Activation, isReady: boolean): void {
    const { observe } = this.#parts.collaborators;
    const { probes, elapsedMs: waitedMs, target } = activation;
    if (!isReady) {
      this.#state = { name: "cold" };
      observe({
        event: "activation.failed",
        backend: this.name,
        code: "NOT_READY_IN_TIME",
        waitedMs,
        probes,
      });
      return;
    }
    // An answer at the first probe was no start: the backend had been running.
    if (probes > 1) this.#startUpTimes.add(waitedMs);
    this.#state =
      activation.settings === this.#settings
        ? { name: "ready", lease: new ReadyLease(target, this.#settings.readyLeaseMs) }
        : { name: "cold" };
    observe({ event: "activation.ready", backend: this.name, waitedMs, probes, held: this.#held.count });
    this.#held.releaseAll();
  }

  #loseLease(cause: "probe" | "proxy"): void {
    this.#state = { name: "cold" };
    this.#parts.collaborators.observe({ event: "lease.lost", backend: this.name, cause });
  }

  #startUpkeep(): void {
    const { readyLeaseMs, keepWarmIntervalMs } = this.#settings;
    this.#upkeep.start(Math.min(readyLeaseMs, keepWarmIntervalMs || Infinity) / 4);
  }

  /** Does what is due for a backend in use. Returns whether it still is. */
  #keepUp(): boolean {
    const nowMs = performance.now();
    const hadTraffic = this.#hadTraffic;
    this.#hadTraffic = false;
    const writtenOff = this.#inFlight.writeOff(nowMs, this.#settings.inFlightMaxSeconds);
    if (writtenOff > 0) {
      this.#parts.collaborators.observe({
        event: "in_flight.written_off",
        backend: this.name,
        inFlight: writtenOff,
      });
    }
    if (!hadTraffic && !this.#inFlight.isActive(nowMs)) return false;
    this.#keepWarm();
    if (hadTraffic) void this.#renewLease(nowMs);
    return true;
  }

  #keepWarm(): void {
    const { health, keepWarmIntervalMs, wakeRepeatMs } = this.#settings;
    // A backend that is never held for has no activation: each of its messages is one.
    const isHeldFor = health !== undefined;
    const intervalMs = keepWarmIntervalMs > 0 || isHeldFor ? keepWarmIntervalMs : wakeRepeatMs;
    if (intervalMs === 0 || this.#state.name === "activating" || this.#wakes.msUntilDue(intervalMs) > 0)
      return;
    void this.#wakes.publish(this.#settings, isHeldFor ? "keep-warm" : "activation");
  }

  async #renewLease(nowMs: number): Promise<void> {
    const state = this.#state;
    if (state.name !== "ready" || !state.lease.isDue(nowMs)) return;
    const { probe, observe } = this.#parts.collaborators;
    const result = await state.lease.renew(probe);
    observe({ event: "probe.answered", backend: this.name, reason: "lease", result });
    // It may have been lost otherwise meanwhile, and even regained.
    if (!result.isReady && this.#state === state) this.#loseLease("probe");
  }
}
