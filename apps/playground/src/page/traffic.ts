import type { JournalEntry } from "../journal.ts";

/** Requests held by the gateway (arrived, not forwarded) and in flight (forwarded, not ended). */
export interface Demand {
  readonly held: number;
  readonly inFlight: number;
}

interface Requests {
  readonly held: Set<string>;
  readonly inFlight: Set<string>;
  peak: Demand;
}

/** The requests of every target, counted by the gateway's entries in the journal. */
export class Traffic {
  readonly #byTarget = new Map<string, Requests>();

  note({ role, event, fields }: JournalEntry, target: string | undefined): void {
    if (role !== "gateway" || target === undefined) return;
    const requests = this.#requestsOf(target);
    const request = String(fields["request"]);
    if (event === "request.arrived") requests.held.add(request);
    if (event === "request.proxied" && requests.held.delete(request)) requests.inFlight.add(request);
    if (event === "request.answered") {
      requests.held.delete(request);
      requests.inFlight.delete(request);
    }
    const { held, inFlight } = this.of(target);
    const { peak } = requests;
    requests.peak = { held: Math.max(held, peak.held), inFlight: Math.max(inFlight, peak.inFlight) };
  }

  of(target: string): Demand {
    const { held, inFlight } = this.#requestsOf(target);
    return { held: held.size, inFlight: inFlight.size };
  }

  /** The most of each that there were at once since the last call. */
  takePeak(target: string): Demand {
    const requests = this.#requestsOf(target);
    const { peak } = requests;
    requests.peak = this.of(target);
    return peak;
  }

  #requestsOf(target: string): Requests {
    const existing = this.#byTarget.get(target);
    if (existing) return existing;
    const requests = { held: new Set<string>(), inFlight: new Set<string>(), peak: { held: 0, inFlight: 0 } };
    this.#byTarget.set(target, requests);
    return requests;
  }
}
