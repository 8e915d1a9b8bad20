import type { Activator, Backend } from "@kong-serverless/activator";

import type { Metrics } from "../metrics.ts";
import type { LuaEntities } from "./entities.ts";
import { leaseKey, nameIn } from "./lease-key.ts";
import type { GatewayReport, GatewayReportAnswer } from "./messages.ts";

/** Gateways report every second. One that has been silent for this long is gone, and so are its requests. */
const silenceMs = 5000;
const sweepMs = 1000;
/** Keeps the parsing of configurations from blocking the process for long. */
const maxWanted = 20;

interface ReportingGateway {
  /** It has reported to an earlier server, which has counted the requests that had passed by then. */
  readonly isStranger: boolean;
  reportedAtMs: number;
  entities?: ReadonlySet<string>;
  names: ReadonlySet<string>;
  /** How many requests have passed by lease, as last reported, keyed by backend. */
  readonly passed: Map<string, number>;
}

export interface LuaGatewaysOptions {
  readonly activator: Activator;
  readonly metrics: Metrics;
  readonly entities: LuaEntities;
}

/**
 * The gateways that run the Lua form. They count their own requests and report totals rather than changes, so that after a
 * lost report or a restart of either side the next report sets everything right.
 */
export class LuaGateways {
  readonly #options: LuaGatewaysOptions;
  readonly #gateways = new Map<string, ReportingGateway>();
  #timer: NodeJS.Timeout | undefined;

  constructor(options: LuaGatewaysOptions) {
    this.#options = options;
  }

  start(): void {
    this.#timer = setInterval(() => this.#sweep(performance.now()), sweepMs);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** Returns the answer, and how many requests have passed since the gateway's last report. */
  take(report: GatewayReport): { readonly answer: GatewayReportAnswer; readonly passed: number } {
    const { entities } = this.#options;
    for (const [id, configuration] of Object.entries(report.configurations ?? {}))
      entities.add(id, configuration);

    const gateway: ReportingGateway = this.#gateways.get(report.gateway) ?? {
      isStranger: !report.isFirst,
      reportedAtMs: 0,
      names: new Set(),
      passed: new Map(),
    };
    this.#gateways.set(report.gateway, gateway);
    gateway.reportedAtMs = performance.now();
    if (report.entities !== undefined) {
      gateway.entities = new Set(Object.keys(report.entities));
      entities.list(report.gateway, report.entities);
    }
    for (const key of Object.keys(report.unreachable)) this.#current(key)?.unreachable();
    const passed = this.#count(report, gateway);
    return { answer: this.#answer(report, gateway), passed };
  }

  #count(report: GatewayReport, gateway: ReportingGateway): number {
    const { activator, metrics } = this.#options;
    const names = new Map<string, { inFlight: number; passed: number }>();
    let total = 0;
    for (const name of gateway.names) names.set(name, { inFlight: 0, passed: 0 });
    for (const [key, [inFlight, passedSoFar]] of Object.entries(report.backends)) {
      const before = gateway.passed.get(key) ?? (gateway.isStranger ? passedSoFar : 0);
      gateway.passed.set(key, passedSoFar);
      const passed = passedSoFar >= before ? passedSoFar - before : passedSoFar;
      const name = nameIn(key);
      const sum = names.get(name) ?? { inFlight: 0, passed: 0 };
      names.set(name, { inFlight: sum.inFlight + inFlight, passed: sum.passed + passed });
      total += passed;
    }
    for (const [name, counts] of names) {
      const backend = activator.find(name);
      if (backend === undefined) continue;
      backend.report(report.gateway, counts);
      if (counts.passed > 0) metrics.requestsOf(name).warm.inc(counts.passed);
    }
    gateway.names = new Set(Object.keys(report.backends).map(nameIn));
    return total;
  }

  #answer({ backends }: GatewayReport, { entities }: ReportingGateway): GatewayReportAnswer {
    const leases = Object.keys(backends).map((key) => [key, leaseMs(this.#current(key))] as const);
    const wanted = [...(entities ?? [])].filter((id) => !this.#options.entities.has(id)).slice(0, maxWanted);
    return {
      leases: Object.fromEntries(leases),
      wanted: Object.fromEntries(wanted.map((id) => [id, true] as const)),
      wantsEntities: entities === undefined,
    };
  }

  /** The backend that a key is for, unless its settings have changed since. */
  #current(key: string): Backend | undefined {
    const backend = this.#options.activator.find(nameIn(key));
    return backend !== undefined && leaseKey(backend.settings) === key ? backend : undefined;
  }

  #sweep(nowMs: number): void {
    const { activator, entities } = this.#options;
    for (const [id, gateway] of this.#gateways) {
      for (const key of gateway.passed.keys())
        if (activator.find(nameIn(key)) === undefined) gateway.passed.delete(key);
      if (nowMs - gateway.reportedAtMs < silenceMs) continue;
      for (const name of gateway.names) activator.find(name)?.report(id, { inFlight: 0, passed: 0 });
      entities.forget(id);
      this.#gateways.delete(id);
    }
    entities.sweep(nowMs);
  }
}

/** How long requests may pass to a backend without a question. For one without `health`, as often as for any other. */
export function leaseMs(backend: Backend | undefined): number {
  if (backend === undefined) return 0;
  const { health, readyLeaseMs } = backend.settings;
  return health === undefined ? readyLeaseMs : Math.floor(backend.leaseLeftMs);
}
