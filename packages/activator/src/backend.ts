import type { BackendSettings } from "@kong-serverless/config";
import { ServerlessError } from "@kong-serverless/runtime";

import type { PodAddress } from "./activator-deps.ts";
import type { BackendParts } from "./backend-parts.ts";
import type { ClientLimits } from "./clients.ts";
import { HeldRequests } from "./held-requests.ts";
import { InFlight } from "./in-flight.ts";
import { PacedRelease } from "./paced-release.ts";
import { Readiness } from "./readiness.ts";
import { Upkeep } from "./upkeep.ts";
import { WakeSender } from "./wake-sender.ts";

/** A backend in use keeps its chain warm for this many turns of its upkeep: there is always another turn in time. */
const chainWarmTurns = 2;

/** Limits of a gateway, for all its backends together. */
export interface GatewayLimits extends ClientLimits {
  readonly maxHeldTotal: number;
  /** Activations at the same time; 0: any number. */
  readonly maxActivations: number;
}

export interface HoldRequest {
  /** Readiness URL by the request's route; needed only for a backend without `upstream`. */
  readonly url?: string;
  /** On the clock of `performance.now()`. */
  readonly arrivedAtMs: number;
  /** Milliseconds from its arrival after which the request is answered; never above the backend's `holdTimeoutMs`. */
  readonly timeoutMs: number;
  /** Of the plugin configuration that the request is subject to. */
  readonly limits: GatewayLimits;
  /** Whom limits per client count the request for. */
  readonly client?: string;
  /** Aborts when the client leaves. */
  readonly signal?: AbortSignal;
}

/** How a hold ended. */
export interface HoldResult {
  readonly waitedMs: number;
  /** Probes of the activation that the request was held for; 0 if the backend was ready by the time of the hold. */
  readonly probes: number;
  /** Where the request has to go, if a pod is ready and its Service is not. */
  readonly pod?: PodAddress;
}

/** A backend as the gateway sees it: its readiness, the requests held for it and those in flight to it. */
export class Backend {
  readonly name: string;
  /** For other backends of its chain. */
  readonly readiness: Readiness;
  readonly #parts: BackendParts;
  readonly #held: HeldRequests;
  readonly #wakes: WakeSender;
  readonly #inFlight = new InFlight();
  readonly #release: PacedRelease;
  readonly #upkeep = new Upkeep(() => this.#keepUp());
  #lastRequestMs = -Infinity;
  #hadTraffic = false;

  constructor(settings: BackendSettings, parts: BackendParts) {
    this.name = settings.name;
    this.#parts = parts;
    this.#held = new HeldRequests(settings.name, parts.wheel, parts.heldTotal);
    this.#wakes = new WakeSender(parts.deps);
    this.#release = new PacedRelease({
      held: this.#held,
      inFlight: this.#inFlight,
      concurrency: () => this.settings.releaseConcurrency,
      isOpen: () => this.readiness.isOpen(),
    });
    this.readiness = new Readiness({
      settings,
      parts,
      wakes: this.#wakes,
      held: this.#held,
      release: this.#release,
      startUpkeep: () => this.#startUpkeep(),
    });
  }

  get settings(): BackendSettings {
    return this.readiness.settings;
  }

  set settings(settings: BackendSettings) {
    this.readiness.replaceSettings(settings);
    // Earlier messages may have gone to another topic.
    this.#wakes.forget();
    this.#parts.deps.observe({ event: "settings.replaced", backend: this.name });
  }

  get state(): Readiness["state"] {
    return this.readiness.state;
  }

  /** Milliseconds for which requests may pass without a question; 0 while others are held. */
  get leaseLeftMs(): number {
    return this.#held.count > 0 ? 0 : this.readiness.leaseLeftMs;
  }

  get demand(): { readonly held: number; readonly inFlight: number } {
    return { held: this.#held.count, inFlight: this.#inFlight.count };
  }

  /** Whether others that hold requests, or are in use, need this one. */
  get isNeededByOthers(): boolean {
    return this.readiness.chain.isNeeded;
  }

  /** Milliseconds since the latest request for this backend. */
  get idleMs(): number {
    return performance.now() - this.#lastRequestMs;
  }

  /** Whether requests are held, or may be in flight, or background work for earlier ones goes on. */
  get isInUse(): boolean {
    if (this.state === "activating" || this.#held.count > 0) return true;
    return this.#inFlight.isActive(performance.now()) || this.#upkeep.isGoingOn;
  }

  /** Milliseconds after which a refused client should retry, from this backend's own past starts. */
  get retryAfterMs(): number {
    return this.readiness.retryAfterMs;
  }

  /** Lets a request pass if the backend is ready and none is held; otherwise it must be held. No I/O, no promise. */
  admit(): boolean {
    const nowMs = performance.now();
    if (!this.readiness.mayPass(nowMs) || this.#held.count > 0) return false;
    this.#pass(nowMs);
    return true;
  }

  /**
   * Holds a request until the backend is ready; it must then be counted as in flight, in the same turn. The first one starts an
   * activation, all others join it. Rejects with HOLD_TIMEOUT or CHAIN_NOT_READY, with HELD_LIMIT_REACHED,
   * ACTIVATION_LIMIT_REACHED, CLIENT_LIMIT_REACHED or PROBE_TARGET_UNKNOWN, or with the signal's reason.
   */
  async hold({ url, arrivedAtMs, timeoutMs, limits, client, signal }: HoldRequest): Promise<HoldResult> {
    if (this.admit()) return { waitedMs: performance.now() - arrivedAtMs, probes: 0 };
    const { holdTimeoutMs, maxHeldPerBackend } = this.settings;
    this.#lastRequestMs = performance.now();
    this.#held.assertRoom({ maxHeldPerBackend, maxHeldTotal: limits.maxHeldTotal });
    signal?.throwIfAborted();
    const target = this.readiness.locate(url);
    const leaveClient = this.#admitClient(client, limits);

    const deadlineMs = arrivedAtMs + Math.min(timeoutMs, holdTimeoutMs);
    const held = this.#held.hold(deadlineMs, () => this.readiness.timeoutError(), signal);
    // The attempt outlives a request that is answered early, with a waiting page for instance: the client will be back.
    const activation = this.readiness.activate(target, arrivedAtMs + holdTimeoutMs);
    this.#parts.deps.observe({ event: "request.held", backend: this.name, held: this.#held.count });
    if (this.readiness.earlyPod !== undefined) this.#release.goOn();
    if (!this.readiness.mayPass(performance.now())) void this.readiness.renewLease();
    try {
      await held;
    } finally {
      leaveClient();
    }
    this.#pass(performance.now());
    const pod = this.readiness.earlyPod;
    const waitedMs = performance.now() - arrivedAtMs;
    return { waitedMs, probes: activation.probes, ...(pod !== undefined && { pod }) };
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

  /** Takes a gateway's own counts: its requests in flight now, and how many it has let pass by itself since its last report. */
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

  /** The proxy could not reach the backend, whatever its lease says: requests are held until a probe is ready. */
  unreachable(): void {
    this.readiness.lose("proxy");
  }

  #pass(nowMs: number): void {
    this.#lastRequestMs = nowMs;
    this.#hadTraffic = true;
    this.#startUpkeep();
  }

  /** Throws if the gateway or the client is at a limit. Returns what to call when the request is no longer held. */
  #admitClient(client: string | undefined, limits: GatewayLimits): () => void {
    const { activating, clients } = this.#parts;
    const isActivation = this.#held.count === 0 && this.state !== "activating";
    // With a recent message still in the wake queue, nothing new is woken.
    const isColdStart = isActivation && this.#wakes.ageMs >= this.settings.keepWarmIntervalMs;
    if (isColdStart && limits.maxActivations > 0 && activating.count >= limits.maxActivations) {
      const message = `${activating.count} backends are being started already; at most ${limits.maxActivations} are.`;
      throw new ServerlessError("ACTIVATION_LIMIT_REACHED", message, { backend: this.name });
    }
    if (client === undefined) return () => {};
    clients.assertRoom(client, limits, isColdStart, this.name);
    return clients.hold(client, isColdStart);
  }

  get #upkeepMs(): number {
    const { readyLeaseMs, keepWarmIntervalMs } = this.settings;
    return Math.min(readyLeaseMs, keepWarmIntervalMs || Infinity) / 4;
  }

  #startUpkeep(): void {
    this.#upkeep.start(this.#upkeepMs);
  }

  /** Does what is due for a backend in use. Returns whether it still is in use. */
  #keepUp(): boolean {
    const nowMs = performance.now();
    const hadTraffic = this.#hadTraffic;
    this.#hadTraffic = false;
    this.#writeOff(nowMs);
    const isUsed = hadTraffic || this.#inFlight.isActive(nowMs);
    const { isNeededByOthers } = this;
    if (!isUsed && !isNeededByOthers) return false;
    if (isUsed) this.readiness.chain.keepWarm(nowMs + chainWarmTurns * this.#upkeepMs);
    this.#keepWarm(isNeededByOthers);
    // Held requests that wait for their turn are traffic too: without a lease they would need another activation.
    if (hadTraffic || isNeededByOthers || this.#held.count > 0) void this.readiness.renewLease();
    return true;
  }

  #writeOff(nowMs: number): void {
    const inFlight = this.#inFlight.writeOff(nowMs, this.settings.inFlightMaxSeconds);
    if (inFlight === 0) return;
    this.#parts.deps.observe({ event: "in_flight.written_off", backend: this.name, inFlight });
  }

  #keepWarm(isNeededByOthers: boolean): void {
    const { health, keepWarmIntervalMs, wakeRepeatMs } = this.settings;
    const { isProbeable, state } = this.readiness;
    // A backend that is never held for, or cannot be probed for others, has no activation: all its messages come from here.
    const hasActivations = health !== undefined && (isProbeable || !isNeededByOthers);
    const intervalMs = keepWarmIntervalMs > 0 || hasActivations ? keepWarmIntervalMs : wakeRepeatMs;
    if (intervalMs === 0 || state === "activating" || this.#wakes.msUntilDue(intervalMs) > 0) return;
    void this.#wakes.publish(this.settings, hasActivations ? "keep-warm" : "activation");
  }
}
