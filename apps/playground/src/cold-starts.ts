import type { Journal, JournalEntry } from "./journal.ts";
import type { Cluster } from "./manifests/cluster.ts";
import { TargetNames } from "./target-names.ts";

/** One step of a cold start, in milliseconds since the request arrived. */
export interface ColdStartStep {
  readonly event: string;
  readonly atMs: number;
}

/** A cold start from the request that caused it to its answer. */
export interface ColdStart {
  readonly target: string;
  /** The target whose request woke this one along. Then the time runs from that request to the first ready answer. */
  readonly wokenBy?: string;
  readonly timeline: readonly ColdStartStep[];
}

/** A cold start that is under way, or has just ended. */
export interface ColdStartProgress extends ColdStart {
  /** Unique among all cold starts. */
  readonly id: number;
  /** Left: every client that waited for it has gone. */
  readonly state: "running" | "answered" | "failed" | "left";
  /** Epoch time. */
  readonly arrivedAtMs: number;
}

interface Recording {
  readonly id: number;
  readonly wokenBy?: string;
  readonly arrivedAtMs: number;
  readonly steps: ColdStartStep[];
  /** Those that wait or waited for this start: answers to other requests are not among its steps. */
  readonly requests: Set<string>;
}

const readyStep = "first ready answer";

/** Steps by the journal entries that mark them, in the order of a cold start; the first entry of each counts. */
const steps: readonly { readonly name: string; readonly marks: (entry: JournalEntry) => boolean }[] = [
  {
    name: "woken along",
    marks: (entry) => is("plugin", "activation.started")(entry) && entry.fields["wokenBy"] !== undefined,
  },
  { name: "held", marks: is("plugin", "activation.started") },
  { name: "wake pushed", marks: is("autoscaler", "trigger.pushed") },
  { name: "wake published", marks: is("plugin", "wake.published") },
  {
    name: "queue seen by the scaler",
    marks: (entry) =>
      is("autoscaler", "trigger.activated")(entry) && entry.fields["type"] === "aws-sqs-queue",
  },
  {
    name: "scaled 0 -> 1",
    marks: (entry) => is("autoscaler", "replicas.changed")(entry) && entry.fields["from"] === 0,
  },
  { name: "process started", marks: is("kubelet", "process.started") },
  { name: "ready for the kubelet", marks: is("kubelet", "pod.ready") },
  { name: readyStep, marks: is("plugin", "activation.ready") },
  { name: "proxied", marks: is("gateway", "request.proxied") },
  { name: "answered", marks: is("gateway", "request.answered") },
];

/** nginx's status for a client that left. */
const clientClosedRequest = 499;

function is(role: JournalEntry["role"], event: string): (entry: JournalEntry) => boolean {
  return (entry) => entry.role === role && entry.event === event;
}

/**
 * Reads cold starts from the journal: each begins when a request to a cold backend arrives, and ends with the first
 * answer after that.
 */
export class ColdStarts {
  readonly #targetNames: TargetNames;
  /** When requests that have not been forwarded yet arrived, by target and request. */
  readonly #waiting = new Map<string, Map<string, number>>();
  readonly #recordings = new Map<string, Recording>();
  readonly #listeners: ((coldStart: ColdStart) => void)[] = [];
  readonly #progressListeners: ((progress: ColdStartProgress) => void)[] = [];
  #lastId = 0;

  constructor(cluster: Cluster, journal: Journal) {
    this.#targetNames = new TargetNames(cluster);
    journal.subscribe((entry) => this.#note(entry));
  }

  /** Calls `listener` for every cold start that completes from now on. */
  onColdStart(listener: (coldStart: ColdStart) => void): void {
    this.#listeners.push(listener);
  }

  /** Calls `listener` at every step of a cold start from now on, and when it has ended. */
  onProgress(listener: (progress: ColdStartProgress) => void): void {
    this.#progressListeners.push(listener);
  }

  #note(entry: JournalEntry): void {
    const target = this.#targetNames.of(entry);
    if (target === undefined) return;
    const recording = this.#recordings.get(target);
    if (entry.role === "gateway") this.#noteRequest(target, entry, recording);
    else if (is("plugin", "activation.started")(entry)) this.#begin(target, entry);
    else if (recording) {
      this.#takeStep(target, recording, entry);
      if (recording.wokenBy === undefined) return;
      if (is("plugin", "activation.ready")(entry)) this.#finish(target, recording, "answered");
      if (is("plugin", "activation.failed")(entry)) this.#finish(target, recording, "failed");
    }
  }

  #begin(target: string, entry: JournalEntry): void {
    const { wokenBy: backend } = entry.fields;
    const own = this.#waiting.get(target);
    if (backend !== undefined && (own === undefined || own.size === 0))
      return this.#beginAlong(target, entry);
    const waiting = own ?? new Map<string, number>();
    // The first of those that wait: the map keeps the order of their arrival.
    const [arrivedAtMs] = waiting.values();
    // The plugin's log arrives a moment after the gateway's own entries: too late for a backend that only had to be
    // confirmed.
    if (arrivedAtMs === undefined) return;
    this.#record(target, { arrivedAtMs, requests: new Set(waiting.keys()) }, entry);
  }

  /** A backend that is woken for requests that wait for another one. */
  #beginAlong(target: string, entry: JournalEntry): void {
    const { wokenBy: backend } = entry.fields;
    const wokenBy = this.#targetNames.of({ ...entry, fields: { backend } });
    const [arrivedAtMs] = (wokenBy === undefined ? undefined : this.#waiting.get(wokenBy))?.values() ?? [];
    if (wokenBy === undefined || arrivedAtMs === undefined) return;
    this.#record(target, { wokenBy, arrivedAtMs, requests: new Set<string>() }, entry);
  }

  #record(target: string, begun: Omit<Recording, "id" | "steps">, entry: JournalEntry): void {
    const replaced = this.#recordings.get(target);
    if (replaced) this.#tellProgress(target, replaced, "left");
    this.#lastId += 1;
    const recording = { ...begun, id: this.#lastId, steps: [] };
    this.#recordings.set(target, recording);
    this.#takeStep(target, recording, entry);
  }

  #noteRequest(target: string, entry: JournalEntry, recording: Recording | undefined): void {
    const request = String(entry.fields["request"]);
    const waiting = getOrCreate(this.#waiting, target, () => new Map<string, number>());
    if (entry.event === "request.arrived") {
      waiting.set(request, entry.atMs);
      recording?.requests.add(request);
      return;
    }
    waiting.delete(request);
    if (!recording?.requests.has(request)) return;
    const isAnswer = entry.event === "request.answered";
    if (isAnswer && entry.fields["status"] === clientClosedRequest) {
      recording.requests.delete(request);
      // Everyone who waited has left: nobody will be answered.
      if (recording.requests.size > 0) return;
      this.#recordings.delete(target);
      this.#tellProgress(target, recording, "left");
      return;
    }
    this.#takeStep(target, recording, entry);
    if (isAnswer)
      this.#finish(target, recording, Number(entry.fields["status"]) < 500 ? "answered" : "failed");
  }

  /** Adds the step that an entry marks, unless it was marked before. */
  #takeStep(target: string, recording: Recording, entry: JournalEntry): void {
    const { arrivedAtMs, steps: taken } = recording;
    // Replicas that start after the first one is ready do not count.
    const isReady = taken.some(({ event }) => event === readyStep);
    if (isReady && (entry.role === "autoscaler" || entry.role === "kubelet")) return;
    const step = steps.find(({ marks }) => marks(entry));
    if (!step || taken.some(({ event }) => event === step.name)) return;
    taken.push({ event: step.name, atMs: Math.max(0, entry.atMs - arrivedAtMs) });
    this.#tellProgress(target, recording, "running");
  }

  #finish(target: string, recording: Recording, state: "answered" | "failed"): void {
    this.#recordings.delete(target);
    this.#tellProgress(target, recording, state);
    const { wokenBy } = recording;
    const coldStart = {
      target,
      timeline: inOrder(recording.steps),
      ...(wokenBy !== undefined && { wokenBy }),
    };
    for (const listener of this.#listeners) listener(coldStart);
  }

  #tellProgress(target: string, recording: Recording, state: ColdStartProgress["state"]): void {
    const { id, arrivedAtMs, wokenBy } = recording;
    const timeline = inOrder(recording.steps);
    const progress = { id, target, state, arrivedAtMs, timeline, ...(wokenBy !== undefined && { wokenBy }) };
    for (const listener of this.#progressListeners) listener(progress);
  }
}

/** Entries of several processes reach the journal a moment late, and not always in order. */
function inOrder(taken: readonly ColdStartStep[]): ColdStartStep[] {
  const order = steps.map(({ name }) => name);
  return taken.toSorted((a, b) => a.atMs - b.atMs || order.indexOf(a.event) - order.indexOf(b.event));
}

function getOrCreate<Key, Value>(map: Map<Key, Value>, key: Key, create: () => Value): Value {
  const existing = map.get(key);
  if (existing !== undefined) return existing;
  const created = create();
  map.set(key, created);
  return created;
}
