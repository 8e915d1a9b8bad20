import type { BackendSettings } from "@kong-serverless/config";
import { ProbeBudget } from "@kong-serverless/health-poller";
import { JobQueue, ServerlessError } from "@kong-serverless/runtime";

import type { ActivatorDeps } from "./activator-deps.ts";
import type { BackendParts } from "./backend-parts.ts";
import { Backend } from "./backend.ts";
import { Clients } from "./clients.ts";
import { TimerWheel } from "./timer-wheel.ts";
import { Upkeep } from "./upkeep.ts";

/** A plugin entity that configures a backend: Kong starts one instance of it per nginx worker. */
export interface Owner {
  /** The same before and after a change of the entity's configuration. */
  readonly key: string;
  /** Orders an entity's configurations: a higher one is newer. */
  readonly seq: number;
}

/** One plugin instance's claim to a backend. */
export interface Registration {
  readonly backend: Backend;
  /** Gives up the claim; the backend itself stays, with its counts. */
  release(): void;
}

export interface ActivatorLimits {
  /** Maximum number of probes started per second, for all starting backends together. Default: no limit. */
  readonly probesPerSecond?: number;
  /** Maximum number of names claimed at the same time. */
  readonly maxBackends?: number;
}

/** Requests held for a backend and in flight to it; `chained` is 1 if others in use need it. */
export interface BackendDemand {
  readonly held: number;
  readonly inFlight: number;
  readonly chained: 0 | 1;
}

interface RegisteredBackend {
  readonly backend: Backend;
  readonly owners: Map<string, { seq: number; claims: number }>;
}

/**
 * After this long without a request, another owner may give a backend other settings, and a backend without an owner is
 * forgotten.
 */
const unusedAfterMs = 60_000;

/** Every backend of the process, by name. Plugin instances come and go with routes and nginx workers; a backend stays one. */
export class Activator {
  readonly #entries = new Map<string, RegisteredBackend>();
  readonly #parts: BackendParts;
  readonly #maxBackends: number;
  /** Without an owner, such as the names of preview environments that come and go for months. */
  readonly #unclaimed = new Set<RegisteredBackend>();
  readonly #forgetting = new Upkeep(() => this.#forgetUnused());

  constructor(
    deps: ActivatorDeps,
    { probesPerSecond = Infinity, maxBackends = 50_000 }: ActivatorLimits = {},
  ) {
    this.#maxBackends = maxBackends;
    this.#parts = {
      deps,
      budget: new ProbeBudget({ perSecond: probesPerSecond }),
      wheel: new TimerWheel(),
      starts: new JobQueue({ turnsBetween: 12 }),
      heldTotal: { count: 0 },
      clients: new Clients(),
      activating: { count: 0 },
      find: (name) => this.find(name)?.readiness,
      all: () => Array.from(this.#entries.values(), ({ backend }) => backend.readiness),
    };
  }

  get backends(): readonly Backend[] {
    return [...this.#entries.values()].map(({ backend }) => backend);
  }

  /** Requests held for all backends together. */
  get held(): number {
    return this.#parts.heldTotal.count;
  }

  find(name: string): Backend | undefined {
    return this.#entries.get(name)?.backend;
  }

  /** What the scaler of a backend gets; zeros for an unknown name. */
  demand(name: string): BackendDemand {
    const backend = this.find(name);
    return backend === undefined
      ? { held: 0, inFlight: 0, chained: 0 }
      : { ...backend.demand, chained: backend.isNeededByOthers ? 1 : 0 };
  }

  /**
   * Finds or creates the backend of that name.
   * Throws BACKEND_CONFLICT when another owner uses the name with other settings, and BACKEND_LIMIT_REACHED.
   */
  register(settings: BackendSettings, owner: Owner): Registration {
    const { name } = settings;
    const entry = this.#entries.get(name) ?? this.#add(settings);
    reconcile(entry, settings, owner);
    this.#unclaimed.delete(entry);

    const claim = entry.owners.get(owner.key) ?? { seq: owner.seq, claims: 0 };
    claim.seq = Math.max(claim.seq, owner.seq);
    claim.claims += 1;
    entry.owners.set(owner.key, claim);
    return {
      backend: entry.backend,
      release: () => {
        claim.claims -= 1;
        if (claim.claims === 0 && entry.owners.get(owner.key) === claim) entry.owners.delete(owner.key);
        if (entry.owners.size > 0) return;
        this.#unclaimed.add(entry);
        // With very many, the next turn of the upkeep would come too late.
        if (this.#unclaimed.size % 1000 === 0) this.#forgetUnused();
        this.#forgetting.start(unusedAfterMs);
      },
    };
  }

  #add(settings: BackendSettings): RegisteredBackend {
    if (this.#entries.size >= this.#maxBackends) this.#forgetUnused();
    if (this.#entries.size >= this.#maxBackends) {
      const message = `${this.#maxBackends} backends are configured already.`;
      throw new ServerlessError("BACKEND_LIMIT_REACHED", message, { backend: settings.name });
    }
    const entry: RegisteredBackend = { backend: new Backend(settings, this.#parts), owners: new Map() };
    this.#entries.set(settings.name, entry);
    return entry;
  }

  /** Returns whether some are left, in use although nobody claims them. */
  #forgetUnused(): boolean {
    for (const entry of this.#unclaimed) {
      const { backend } = entry;
      if (backend.isInUse || backend.idleMs < unusedAfterMs) continue;
      this.#unclaimed.delete(entry);
      this.#entries.delete(backend.name);
      this.#parts.deps.observe({ event: "backend.forgotten", backend: backend.name });
    }
    return this.#unclaimed.size > 0;
  }
}

/**
 * Kong starts instances lazily and never closes those of a removed entity, so owners of old and new configurations overlap
 * after every reload. Settings that differ are adopted if they come from such a change; otherwise two routes disagree.
 */
function reconcile({ backend, owners }: RegisteredBackend, settings: BackendSettings, owner: Owner): void {
  if (backend.settings === settings) return;
  const differing = differences(backend.settings, settings);
  if (differing.length === 0) return;
  const claim = owners.get(owner.key);
  // A late instance of an old configuration, from a worker that has not seen the reload.
  if (claim !== undefined && owner.seq < claim.seq) return;
  const isReload = claim !== undefined;
  if (!isReload && owners.size > 0 && backend.idleMs < unusedAfterMs) {
    throw new ServerlessError(
      "BACKEND_CONFLICT",
      `Two plugin configurations name a backend ${JSON.stringify(backend.name)}, but differ in ${differing.join(", ")}. Give one of them another \`name\`, or both the same settings.`,
      { backend: backend.name },
    );
  }
  owners.clear();
  backend.settings = settings;
}

function differences(one: BackendSettings, other: BackendSettings): string[] {
  const keys = new Set([...Object.keys(one), ...Object.keys(other)]) as Set<keyof BackendSettings>;
  return [...keys].filter((key) => JSON.stringify(one[key]) !== JSON.stringify(other[key]));
}
