/**
 * Something that happened in one of the playground's roles. `atMs` is epoch time; all processes share one machine's
 * clock.
 */
export interface JournalEntry {
  readonly atMs: number;
  readonly role: "gateway" | "plugin" | "broker" | "sidecar" | "autoscaler" | "kubelet" | "app";
  /** Past tense, as in logs: `request.arrived`, `wake.published`, `replicas.changed`. */
  readonly event: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

export type JournalListener = (entry: JournalEntry) => void;

/** Everything that happens in the playground, as one stream. Timelines, the story and its figures are read from it. */
export class Journal {
  readonly #listeners = new Set<JournalListener>();

  record(
    role: JournalEntry["role"],
    event: string,
    fields: JournalEntry["fields"] = {},
    atMs: number = Date.now(),
  ): void {
    for (const listener of this.#listeners) listener({ atMs, role, event, fields });
  }

  /** Calls `listener` for every entry from now on; the returned function ends that. */
  subscribe(listener: JournalListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}
