import type { Journal, JournalEntry } from "./journal.ts";
import type { Cluster } from "./manifests/cluster.ts";
import { selects } from "./network/services.ts";

/** One step of a cold start, in milliseconds since the request arrived. */
export interface ColdStartStep {
  readonly event: string;
  readonly atMs: number;
}

/** A cold start from the request that caused it to its answer. */
export interface ColdStart {
  readonly target: string;
  readonly timeline: readonly ColdStartStep[];
}

interface Recording {
  readonly arrivedAtMs: number;
  readonly steps: ColdStartStep[];
}

/** Steps by the journal entries that mark them, in the order of a cold start; the first entry of each counts. */
const steps: readonly { readonly name: string; readonly marks: (entry: JournalEntry) => boolean }[] = [
  { name: "held", marks: is("plugin", "activation.started") },
  { name: "wake published", marks: is("plugin", "wake.published") },
  {
    name: "queue seen by the scaler",
    marks: (entry) =>
      is("autoscaler", "trigger.activated")(entry) && entry.fields["type"] === "aws-sqs-queue",
  },
  { name: "scaled 0 -> 1", marks: is("autoscaler", "replicas.changed") },
  { name: "process started", marks: is("kubelet", "process.started") },
  { name: "first ready answer", marks: is("plugin", "activation.ready") },
  { name: "proxied", marks: is("gateway", "request.proxied") },
  { name: "answered", marks: is("gateway", "request.answered") },
];

/** nginx's status for a client that left. */
const clientClosedRequest = 499;

function is(role: JournalEntry["role"], event: string): (entry: JournalEntry) => boolean {
  return (entry) => entry.role === role && entry.event === event;
}

/**
 * Reads cold starts out of the journal: each begins with the arrival of the request that found its backend cold and ends with the
 * first answer after it.
 */
export class ColdStarts {
  readonly #targetsByBackend: ReadonlyMap<string, string>;
  readonly #targetsByService: ReadonlyMap<string, string>;
  readonly #arrivals = new Map<string, Map<string, number>>();
  readonly #recordings = new Map<string, Recording>();
  readonly #listeners: ((coldStart: ColdStart) => void)[] = [];

  constructor(cluster: Cluster, journal: Journal) {
    this.#targetsByBackend = targetsByBackend(cluster);
    this.#targetsByService = targetsByService(cluster);
    journal.subscribe((entry) => this.#note(entry));
  }

  /** Calls `listener` for every cold start that completes from now on. */
  onColdStart(listener: (coldStart: ColdStart) => void): void {
    this.#listeners.push(listener);
  }

  #note(entry: JournalEntry): void {
    const target = this.#targetOf(entry);
    if (target === undefined) return;
    const arrivals = getOrCreate(this.#arrivals, target, () => new Map<string, number>());
    if (is("gateway", "request.arrived")(entry)) arrivals.set(String(entry.fields["request"]), entry.atMs);
    if (is("plugin", "activation.started")(entry)) {
      // The first of those that wait: the map keeps the order of their arrival.
      const [arrivedAtMs = entry.atMs] = arrivals.values();
      this.#recordings.set(target, { arrivedAtMs, steps: [] });
    }
    const recording = this.#recordings.get(target);
    const hasLeft = entry.fields["status"] === clientClosedRequest;
    const step = recording && !hasLeft && steps.find(({ marks }) => marks(entry));
    if (step && !recording.steps.some(({ event }) => event === step.name)) {
      recording.steps.push({ event: step.name, atMs: Math.max(0, entry.atMs - recording.arrivedAtMs) });
    }
    if (!is("gateway", "request.answered")(entry)) return;
    arrivals.delete(String(entry.fields["request"]));
    if (!hasLeft) {
      if (recording) this.#finish(target, recording);
    } else if (arrivals.size === 0) {
      // All who waited have left: nobody will be answered.
      this.#recordings.delete(target);
    }
  }

  #targetOf({ fields: { target, backend, service } }: JournalEntry): string | undefined {
    if (typeof target === "string") return target;
    return this.#targetsByBackend.get(String(backend)) ?? this.#targetsByService.get(String(service));
  }

  #finish(target: string, { steps: taken }: Recording): void {
    this.#recordings.delete(target);
    const order = steps.map(({ name }) => name);
    // Entries of several processes reach the journal a moment after they happened, not always in order.
    const timeline = taken.sort((a, b) => a.atMs - b.atMs || order.indexOf(a.event) - order.indexOf(b.event));
    for (const listener of this.#listeners) listener({ target, timeline });
  }
}

function targetsByBackend({ scaleTargets }: Cluster): Map<string, string> {
  return new Map(scaleTargets.flatMap(({ name, backend }) => (backend ? [[backend.name, name]] : [])));
}

/** By the Services that lead to them, as the gateway names them. */
function targetsByService({ scaleTargets, services }: Cluster): Map<string, string> {
  return new Map(
    scaleTargets.flatMap(({ name, deployment }) =>
      services
        .filter((service) => selects(service, deployment.spec.template.metadata.labels))
        .map((service) => [service.metadata.name, name] as const),
    ),
  );
}

function getOrCreate<Key, Value>(map: Map<Key, Value>, key: Key, create: () => Value): Value {
  const existing = map.get(key);
  if (existing !== undefined) return existing;
  const created = create();
  map.set(key, created);
  return created;
}
