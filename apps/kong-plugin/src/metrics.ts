import type { ActivatorEvent, Backend, Held, WakeReason } from "@kong-serverless/activator";
import type { ErrorCodeName } from "@kong-serverless/runtime";
import { Counter, Gauge, Histogram, Registry } from "prom-client";

import { Tally } from "./tally.ts";

/** Counts what became of one backend's requests. */
export interface RequestMetrics {
  readonly warm: { inc(): void };
  readonly left: { inc(): void };
  held(held: Held): void;
  refused(code: ErrorCodeName): void;
}

const wakeReasons: readonly WakeReason[] = ["activation", "repeat", "keep-warm"];
const startBuckets = [0.05, 0.1, 0.25, 0.5, 1, 1.5, 2, 3, 5, 8, 13, 20, 30, 60];

/** Prometheus metrics of the plugin. Labels are backend names, which come from the configuration, and fixed words. */
export class Metrics {
  readonly registry = new Registry();
  /** Warm requests that are not in `#requests` yet, by backend. */
  readonly #warm = new Map<string, Tally>();
  readonly #requests = this.#counter("requests", "Requests by what became of them", ["outcome"], () => {
    for (const [backend, tally] of this.#warm) this.#requests.inc({ backend, outcome: "warm" }, tally.take());
  });
  readonly #activations = this.#counter(
    "activations",
    "Attempts to bring a backend to ready; confirmed: the first probe said that it was",
    ["outcome"],
  );
  readonly #wakes = this.#counter("wakes", "Wake messages", ["reason", "result"]);
  readonly #probes = this.#counter("probes", "Readiness probes", ["reason"]);
  readonly #leasesLost = this.#counter("leases_lost", "Ready backends found to be gone", ["cause"]);
  readonly #writtenOff = this.#counter("in_flight_written_off", "In-flight requests that were forgotten", []);
  readonly #holdSeconds = new Histogram({
    name: "serverless_hold_seconds",
    help: "How long requests were held before they were forwarded",
    labelNames: ["backend"],
    buckets: [0.002, 0.01, ...startBuckets],
    registers: [this.registry],
  });
  readonly #coldStartSeconds = new Histogram({
    name: "serverless_cold_start_seconds",
    help: "Cold starts by stage: wake until the wake message was taken, start from then until ready, total",
    labelNames: ["backend", "stage"],
    buckets: startBuckets,
    registers: [this.registry],
  });
  /** When a backend's activation was woken, in milliseconds since it started. */
  readonly #wokenAfterMs = new Map<string, number>();
  readonly #startedAtMs = new Map<string, number>();

  /** Shows the state of these backends whenever metrics are asked for. */
  watch(backends: () => readonly Backend[]): void {
    this.#gauge(
      "held_requests",
      "Requests that wait for their backend",
      backends,
      ({ demand }) => demand.held,
    );
    this.#gauge(
      "in_flight_requests",
      "Requests forwarded and not ended",
      backends,
      ({ demand }) => demand.inFlight,
    );
    this.#gauge("backend_ready", "1 within the ready lease", backends, ({ state }) =>
      state === "ready" ? 1 : 0,
    );
    this.#gauge(
      "ready_lease_seconds",
      "How long a backend counts as ready without another probe",
      backends,
      ({ leaseLeftMs }) => leaseLeftMs / 1000,
    );
  }

  requestsOf(backend: string): RequestMetrics {
    this.#startAtZero(backend);
    const warm = this.#warm.get(backend) ?? new Tally();
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
    const { backend } = event;
    switch (event.event) {
      case "activation.started":
        this.#startedAtMs.set(backend, performance.now());
        this.#wokenAfterMs.delete(backend);
        break;
      case "activation.ready":
        this.#activations.inc({ backend, outcome: event.probes > 1 ? "ready" : "confirmed" });
        if (event.probes > 1) this.#observeColdStart(backend, event.waitedMs);
        break;
      case "activation.failed":
        this.#activations.inc({ backend, outcome: "failed" });
        break;
      case "wake.published":
        this.#wakes.inc({ backend, reason: event.reason, result: "published" });
        if (event.reason === "activation") this.#markWoken(backend);
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
      case "settings.replaced":
        break;
    }
  }

  /** Prometheus sees no increase in a series that begins at 1: what alerts count must be there before it happens. */
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

  #observeColdStart(backend: string, totalMs: number): void {
    this.#coldStartSeconds.observe({ backend, stage: "total" }, totalMs / 1000);
    const wokenAfterMs = this.#wokenAfterMs.get(backend);
    // Without a message that was taken the backend came by itself.
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
  ) {
    const gauge = new Gauge({
      name: `serverless_${name}`,
      help,
      labelNames: ["backend"],
      registers: [this.registry],
      collect() {
        for (const backend of backends()) gauge.set({ backend: backend.name }, value(backend));
      },
    });
  }
}
