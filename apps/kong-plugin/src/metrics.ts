import type { ActivatorEvent, Backend, HoldResult, WakeReason } from "@kong-serverless/activator";
import type { ServicePods } from "@kong-serverless/kubernetes-watch";
import { type ErrorCodeName, errorCodes } from "@kong-serverless/runtime";
import { Counter, Gauge, Histogram, Registry } from "prom-client";

import { BufferedCounter } from "./buffered-counter.ts";

/** Counts one backend's requests by outcome. */
export interface RequestMetrics {
  readonly warm: { inc(count?: number): void };
  readonly left: { inc(): void };
  held(held: HoldResult): void;
  refused(code: ErrorCodeName): void;
}

const wakeReasons: readonly WakeReason[] = ["activation", "repeat", "keep-warm"];
const requestOutcomes = ["warm", "cold", "checked", "left", ...Object.keys(errorCodes)];
const activationOutcomes = ["ready", "confirmed", "failed"];
const stages = ["wake", "start", "total"];
/** Why a plugin configuration serves no request. */
const configurationFaults: readonly ErrorCodeName[] = ["CONFIG_REFUSED", "BACKEND_CONFLICT"];
/** Stands for all backends beyond the limit. No backend can have this name. */
const others = "(other)";
const startBuckets = [0.05, 0.1, 0.25, 0.5, 1, 1.5, 2, 3, 5, 8, 13, 20, 30, 60];

/**
 * Prometheus metrics of the plugin. Labels are fixed words and the names of backends, up to a limit: beyond it they are
 * counted together, so that neither memory nor a scrape grows with names that come and go.
 */
export class Metrics {
  readonly registry = new Registry();
  readonly #maxBackends: number;
  readonly #named = new Set<string>();
  /** Warm requests that are not in `#requests` yet, by backend. */
  readonly #warm = new Map<string, BufferedCounter>();
  readonly #requests = this.#counter("requests", "Requests by outcome", ["outcome"], () => {
    for (const [backend, counter] of this.#warm)
      this.#requests.inc({ backend, outcome: "warm" }, counter.take());
  });
  readonly #activations = this.#counter(
    "activations",
    "Attempts to make a backend ready; confirmed: the first probe was ready",
    ["outcome"],
  );
  readonly #wakes = this.#counter("wakes", "Wake messages", ["reason", "result"]);
  readonly #probes = this.#counter("probes", "Readiness probes", ["reason"]);
  readonly #leasesLost = this.#counter("leases_lost", "Ready backends found to be gone", ["cause"]);
  readonly #writtenOff = this.#counter("in_flight_written_off", "In-flight requests that were forgotten", []);
  readonly #configurationRefusals = new Counter({
    name: "serverless_configuration_refusals_total",
    help: "Requests that were refused because of their plugin's configuration",
    labelNames: ["code"],
    registers: [this.registry],
  });
  readonly #holdSeconds = new Histogram({
    name: "serverless_hold_seconds",
    help: "How long requests were held before they were forwarded",
    labelNames: ["backend"],
    buckets: [0.002, 0.01, ...startBuckets],
    registers: [this.registry],
  });
  readonly #coldStartSeconds = new Histogram({
    name: "serverless_cold_start_seconds",
    help: "Cold starts by stage: wake until the wake message is accepted, start from then until ready, total; service from a pod's own answer, if pods are probed, until its Service answers",
    labelNames: ["backend", "stage"],
    buckets: startBuckets,
    registers: [this.registry],
  });
  /** When a backend's activation was woken, in milliseconds since it started. */
  readonly #wokenAfterMs = new Map<string, number>();
  readonly #startedAtMs = new Map<string, number>();
  /** When a pod of an activation answered by itself, likewise. */
  readonly #podAnsweredAfterMs = new Map<string, number>();

  /** @param maxBackends How many backends have series of their own. */
  constructor(maxBackends = 1000) {
    this.#maxBackends = maxBackends;
    for (const code of configurationFaults) this.#configurationRefusals.inc({ code }, 0);
  }

  configurationRefused(code: ErrorCodeName): void {
    this.#configurationRefusals.inc({ code });
  }

  /** Exports the state of these backends at each scrape. */
  watch(backends: () => readonly Backend[]): void {
    this.#gauge("held_requests", "Requests waiting for their backend", backends, ({ demand }) => demand.held);
    this.#gauge(
      "in_flight_requests",
      "Requests forwarded and not finished",
      backends,
      ({ demand }) => demand.inFlight,
    );
    this.#gauge(
      "backend_ready",
      "1 within the ready lease; for (other), how many backends",
      backends,
      ({ state }) => (state === "ready" ? 1 : 0),
    );
    this.#gauge(
      "ready_lease_seconds",
      "How long a backend counts as ready without another probe",
      backends,
      ({ leaseLeftMs }) => leaseLeftMs / 1000,
      Math.max,
    );
  }

  /** Exports whether the pods of these namespaces are watched. */
  watchNamespaces(namespaces: () => ServicePods["watched"]): void {
    const gauge = new Gauge({
      name: "serverless_endpoints_watched",
      help: "1 while the EndpointSlices of a namespace are watched, 0 while they cannot be",
      labelNames: ["namespace"],
      registers: [this.registry],
      collect() {
        for (const { namespace, isCurrent } of namespaces()) gauge.set({ namespace }, isCurrent ? 1 : 0);
      },
    });
  }

  requestsOf(name: string): RequestMetrics {
    if (this.#named.size < this.#maxBackends) this.#named.add(name);
    const backend = this.#labelOf(name);
    this.#startAtZero(backend);
    const warm = this.#warm.get(backend) ?? new BufferedCounter();
    this.#warm.set(backend, warm);
    const held = this.#holdSeconds.labels({ backend });
    const cold = this.#requests.labels({ backend, outcome: "cold" });
    const checked = this.#requests.labels({ backend, outcome: "checked" });
    return {
      warm,
      left: this.#requests.labels({ backend, outcome: "left" }),
      held: ({ waitedMs, probes }) => {
        held.observe(waitedMs / 1000);
        (probes > 1 ? cold : checked).inc();
      },
      refused: (code) => this.#requests.inc({ backend, outcome: code }),
    };
  }

  observe(event: ActivatorEvent): void {
    if (event.event === "backend.forgotten") return this.#forget(event.backend);
    const backend = this.#labelOf(event.backend);
    switch (event.event) {
      case "activation.started":
        this.#startedAtMs.set(event.backend, performance.now());
        this.#wokenAfterMs.delete(event.backend);
        this.#podAnsweredAfterMs.delete(event.backend);
        break;
      case "activation.pod_answered":
        this.#podAnsweredAfterMs.set(event.backend, event.waitedMs);
        this.#observeColdStart(event.backend, event.waitedMs);
        break;
      case "activation.ready":
        this.#activations.inc({ backend, outcome: event.probes > 1 ? "ready" : "confirmed" });
        if (event.probes > 1) this.#observeReady(event.backend, event.waitedMs);
        break;
      case "activation.failed":
        this.#activations.inc({ backend, outcome: "failed" });
        break;
      case "wake.published":
        this.#wakes.inc({ backend, reason: event.reason, result: "published" });
        if (event.reason === "activation") this.#markWoken(event.backend);
        break;
      case "wake.failed":
        this.#wakes.inc({ backend, reason: event.reason, result: "failed" });
        break;
      case "probe.answered":
        this.#probes.inc({ backend, reason: event.reason });
        break;
      case "lease.lost":
        this.#leasesLost.inc({ backend, cause: event.cause });
        break;
      case "in_flight.written_off":
        this.#writtenOff.inc({ backend }, event.inFlight);
        break;
      case "request.held":
      case "wake.started":
      case "chain.broken":
      case "settings.replaced":
        break;
    }
  }

  #labelOf(name: string): string {
    return this.#named.has(name) ? name : others;
  }

  #forget(backend: string): void {
    this.#startedAtMs.delete(backend);
    this.#wokenAfterMs.delete(backend);
    this.#podAnsweredAfterMs.delete(backend);
    if (!this.#named.delete(backend)) return;
    this.#warm.delete(backend);
    for (const outcome of requestOutcomes) this.#requests.remove({ backend, outcome });
    for (const outcome of activationOutcomes) this.#activations.remove({ backend, outcome });
    for (const reason of wakeReasons) {
      for (const result of ["published", "failed"]) this.#wakes.remove({ backend, reason, result });
    }
    for (const reason of ["activation", "lease"]) this.#probes.remove({ backend, reason });
    for (const cause of ["probe", "proxy"]) this.#leasesLost.remove({ backend, cause });
    for (const stage of stages) this.#coldStartSeconds.remove({ backend, stage });
    this.#holdSeconds.remove({ backend });
    this.#writtenOff.remove({ backend });
  }

  /** Prometheus sees no increase in a series that starts at 1, so whatever alerts count starts at 0. */
  #startAtZero(backend: string): void {
    for (const outcome of ["cold", "HOLD_TIMEOUT"]) this.#requests.inc({ backend, outcome }, 0);
    for (const outcome of ["ready", "failed"]) this.#activations.inc({ backend, outcome }, 0);
    for (const reason of wakeReasons) {
      for (const result of ["published", "failed"]) this.#wakes.inc({ backend, reason, result }, 0);
    }
  }

  #markWoken(backend: string): void {
    this.#wokenAfterMs.set(backend, performance.now() - (this.#startedAtMs.get(backend) ?? 0));
  }

  #observeReady(name: string, waitedMs: number): void {
    const podAnsweredAfterMs = this.#podAnsweredAfterMs.get(name);
    if (podAnsweredAfterMs === undefined) return this.#observeColdStart(name, waitedMs);
    const labels = { backend: this.#labelOf(name), stage: "service" };
    this.#coldStartSeconds.observe(labels, (waitedMs - podAnsweredAfterMs) / 1000);
  }

  #observeColdStart(name: string, totalMs: number): void {
    const backend = this.#labelOf(name);
    this.#coldStartSeconds.observe({ backend, stage: "total" }, totalMs / 1000);
    const wokenAfterMs = this.#wokenAfterMs.get(name);
    // Without an accepted wake message, the backend started by itself.
    if (wokenAfterMs === undefined) return;
    this.#coldStartSeconds.observe({ backend, stage: "wake" }, wokenAfterMs / 1000);
    this.#coldStartSeconds.observe({ backend, stage: "start" }, (totalMs - wokenAfterMs) / 1000);
  }

  #counter<Label extends string>(
    name: string,
    help: string,
    labels: readonly Label[],
    collect: () => void = () => {},
  ) {
    return new Counter<"backend" | Label>({
      name: `serverless_${name}_total`,
      help,
      labelNames: ["backend", ...labels],
      registers: [this.registry],
      collect,
    });
  }

  #gauge(
    name: string,
    help: string,
    backends: () => readonly Backend[],
    value: (backend: Backend) => number,
    joined: (one: number, other: number) => number = (one, other) => one + other,
  ) {
    const labelOf = (backend: string) => this.#labelOf(backend);
    const gauge = new Gauge({
      name: `serverless_${name}`,
      help,
      labelNames: ["backend"],
      registers: [this.registry],
      collect() {
        gauge.reset();
        let ofOthers: number | undefined;
        for (const backend of backends()) {
          if (labelOf(backend.name) === others) ofOthers = joined(ofOthers ?? 0, value(backend));
          else gauge.set({ backend: backend.name }, value(backend));
        }
        if (ofOthers !== undefined) gauge.set({ backend: others }, ofOthers);
      },
    });
  }
}
