import { Activator } from "../activator.ts";
import type { Backend } from "../backend.ts";
import { limits, settings as defaults, url, World } from "./world.ts";

const settings = {
  ...defaults,
  holdTimeoutMs: 3000,
  wakeRepeatMs: 500,
  keepWarmIntervalMs: 2000,
  maxHeldPerBackend: 8,
};
/** The timer wheel is up to a tick late, and so is its own timer. */
const toleranceMs = 40;
/** How often the background work looks at traffic. */
const upkeepMs = 500;

interface Request {
  state: "held" | "forwarded" | "over";
  readonly deadlineMs: number;
  readonly client: AbortController;
  /** Its id while it is in flight. */
  id?: number;
}

/** Plays the world around one backend, and checks what must hold whatever happens. */
export class Simulation {
  readonly world = new World();
  readonly backend: Backend;
  readonly #activator: Activator;
  readonly #settings: typeof settings;
  readonly #requests: Request[] = [];
  readonly #violations: string[] = [];
  #lastActiveMs = -Infinity;
  #isActivating = false;
  #reloads = 0;

  readonly #releaseConcurrency: number;

  constructor(releaseConcurrency: number) {
    const { world } = this;
    this.#releaseConcurrency = releaseConcurrency;
    this.#settings = { ...settings, releaseConcurrency };
    this.#activator = new Activator({
      probe: world.probe,
      publishWake: (message) => {
        if (!this.#hasDemand()) this.#violations.push(`a ${message.reason} wake without demand`);
        return world.publishWake(message);
      },
      observe: ({ event }) => {
        if (event === "activation.started" && this.#isActivating)
          this.#violations.push("two activations at once");
        if (event.startsWith("activation.")) this.#isActivating = event === "activation.started";
      },
    });
    this.backend = this.#activator.register(this.#settings, { key: "route", seq: 1 }).backend;
  }

  /** Gives the backend another address, as a reload does. */
  reload(): void {
    this.#reloads += 1;
    const upstream = `http://demo-${this.#reloads}`;
    this.#activator.register({ ...this.#settings, upstream }, { key: "route", seq: 1 + this.#reloads });
  }

  arrive(): void {
    const arrivedAtMs = performance.now();
    const client = new AbortController();
    const request: Request = { state: "held", deadlineMs: arrivedAtMs + settings.holdTimeoutMs, client };
    this.#requests.push(request);
    this.#lastActiveMs = arrivedAtMs;
    const forward = () => {
      request.state = "forwarded";
      request.id = this.backend.begin();
    };
    if (this.backend.admit()) return forward();
    const timeoutMs = settings.holdTimeoutMs;
    void this.backend
      .hold({
        url,
        arrivedAtMs,
        timeoutMs,
        limits: { ...limits, maxHeldTotal: 100 },
        signal: client.signal,
      })
      .then(
        () => {
          forward();
          this.#lastActiveMs = performance.now();
        },
        () => {
          request.state = "over";
          this.#lastActiveMs = performance.now();
        },
      );
  }

  leave(nth: number): void {
    this.#pick("held", nth)?.client.abort(new Error("left"));
  }

  end(nth: number): void {
    const request = this.#pick("forwarded", nth);
    if (request === undefined) return;
    request.state = "over";
    this.#lastActiveMs = performance.now();
    if (request.id !== undefined) this.backend.ended(request.id);
  }

  endAll(): void {
    for (const { client } of this.#inState("held")) client.abort(new Error("left"));
    while (this.#inState("forwarded").length > 0) this.end(0);
  }

  /** Violated invariants. */
  faults(): string[] {
    const held = this.#inState("held");
    const faults = [...this.#violations];
    const { demand, state } = this.backend;
    if (demand.held !== held.length) faults.push(`${demand.held} held instead of ${held.length}`);
    const inFlight = this.#inState("forwarded").length;
    if (demand.inFlight !== inFlight) faults.push(`${demand.inFlight} in flight instead of ${inFlight}`);
    if (held.length > settings.maxHeldPerBackend) faults.push(`${held.length} held`);
    for (const { deadlineMs } of held) {
      const leftMs = deadlineMs - performance.now();
      if (leftMs < -toleranceMs) faults.push(`held ${-leftMs} ms too long`);
      // While a request is held, something works for it.
      const isNext =
        state === "ready" && inFlight >= this.#releaseConcurrency && this.#releaseConcurrency > 0;
      const isWorkedFor = state === "activating" || isNext || this.world.probesUnderWay > 0;
      if (leftMs > 0 && !isWorkedFor) faults.push(`held while ${state}`);
    }
    return faults;
  }

  #hasDemand(): boolean {
    if (this.#inState("held").length + this.#inState("forwarded").length > 0) return true;
    return performance.now() - this.#lastActiveMs <= upkeepMs;
  }

  #inState(state: Request["state"]): Request[] {
    return this.#requests.filter((request) => request.state === state);
  }

  #pick(state: Request["state"], nth: number): Request | undefined {
    const candidates = this.#inState(state);
    return candidates[nth % Math.max(1, candidates.length)];
  }
}
