import { fetchSamples, type MetricSample } from "@kong-serverless/runtime";

import type { JournalEntry } from "../journal.ts";
import type { ShownTarget } from "./messages.ts";

/** Requests that the gateway holds (arrived, not forwarded) and has in flight (forwarded, not ended). */
export interface TargetDemand {
  readonly held: number;
  readonly inFlight: number;
}

export type BackendReadiness = Pick<NonNullable<ShownTarget["backend"]>, "state" | "leaseLeftMs">;

interface Requests {
  readonly held: Set<string>;
  readonly inFlight: Set<string>;
  peak: TargetDemand;
}

/** Each target's requests, activation and queue, from the journal and the plugin server's metrics. */
export class TargetFigures {
  readonly #requests = new Map<string, Requests>();
  readonly #queues = new Map<string, { readonly target: string; readonly length: number }>();
  readonly #activating = new Set<string>();
  /** Backends that became ready since the plugin server was last asked for their leases. */
  readonly #becameReady = new Set<string>();
  #leases: readonly MetricSample[] = [];

  /** `target` is the one that the entry is about. */
  note(entry: JournalEntry, target: string | undefined): void {
    if (entry.role === "gateway" && target !== undefined) this.#noteRequest(entry, target);
    if (entry.role === "plugin") this.#noteActivation(entry);
    if (entry.event === "trigger.polled") this.#noteQueue(entry);
  }

  /** Asks the plugin server for the leases. Without an answer, none is known. */
  async refreshLeases(opsPort: number, signal: AbortSignal): Promise<void> {
    const answered = [...this.#becameReady];
    const samples = await fetchSamples(`http://127.0.0.1:${opsPort}`, signal).catch(() => []);
    for (const backend of answered) this.#becameReady.delete(backend);
    this.#leases = samples.filter(({ name }) => name === "serverless_ready_lease_seconds");
  }

  demand(target: string): TargetDemand {
    const { held, inFlight } = this.#requestsOf(target);
    return { held: held.size, inFlight: inFlight.size };
  }

  /** The most held and in flight at once since the last call. */
  takePeak(target: string): TargetDemand {
    const requests = this.#requestsOf(target);
    const { peak } = requests;
    requests.peak = this.demand(target);
    return peak;
  }

  /** `backend` is the plugin's name for it. */
  activation(backend: string): BackendReadiness {
    if (this.#activating.has(backend)) return { state: "activating", leaseLeftMs: 0 };
    const lease = this.#leases.find(({ labels }) => labels["backend"] === backend);
    const leaseLeftMs = Math.round((lease?.value ?? 0) * 1000);
    const isReady = leaseLeftMs > 0 || this.#becameReady.has(backend);
    return { state: isReady ? "ready" : "cold", leaseLeftMs };
  }

  /** Messages at the autoscaler's last poll, over all of the target's queues. */
  queueLength(target: string): number {
    return [...this.#queues.values()]
      .filter((polled) => polled.target === target)
      .reduce((sum, { length }) => sum + length, 0);
  }

  #noteRequest({ event, fields }: JournalEntry, target: string): void {
    const requests = this.#requestsOf(target);
    const request = String(fields["request"]);
    if (event === "request.arrived") requests.held.add(request);
    if (event === "request.proxied" && requests.held.delete(request)) requests.inFlight.add(request);
    if (event === "request.answered") {
      requests.held.delete(request);
      requests.inFlight.delete(request);
    }
    const { held, inFlight } = this.demand(target);
    const { peak } = requests;
    requests.peak = { held: Math.max(held, peak.held), inFlight: Math.max(inFlight, peak.inFlight) };
  }

  #noteActivation({ event, fields }: JournalEntry): void {
    const backend = String(fields["backend"]);
    if (event === "activation.started") this.#activating.add(backend);
    if (event === "activation.ready" || event === "activation.failed") this.#activating.delete(backend);
    if (event === "activation.ready") this.#becameReady.add(backend);
    if (event === "lease.lost") this.#becameReady.delete(backend);
    // A restarted plugin server has forgotten its predecessor's activations.
    if (event === "service.started") {
      this.#activating.clear();
      this.#becameReady.clear();
    }
  }

  #noteQueue({ fields }: JournalEntry): void {
    if (fields["type"] !== "aws-sqs-queue") return;
    const target = String(fields["target"]);
    const length = Number(fields["value"]);
    this.#queues.set(`${target}/${String(fields["trigger"])}`, { target, length });
  }

  #requestsOf(target: string): Requests {
    const existing = this.#requests.get(target);
    if (existing) return existing;
    const requests = { held: new Set<string>(), inFlight: new Set<string>(), peak: { held: 0, inFlight: 0 } };
    this.#requests.set(target, requests);
    return requests;
  }
}
