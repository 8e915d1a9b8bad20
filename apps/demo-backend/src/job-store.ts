import type { Job, JobResult } from "@kong-serverless/config";

export interface JobRecord {
  readonly id: string;
  readonly state: "queued" | JobResult["status"];
  /** Absent for a job that another replica accepted. */
  readonly durationMs?: number;
  readonly result?: JobResult;
}

/** Jobs remembered at most; the oldest is forgotten first. */
const maxRecords = 10_000;

/** The jobs this replica knows of, in memory: those it accepted, and those whose results it received. */
export class JobStore {
  readonly #records = new Map<string, JobRecord>();

  get(id: string): JobRecord | undefined {
    return this.#records.get(id);
  }

  /** Remembers a job that is about to be published. */
  add({ id, durationMs }: Job): void {
    this.#set({ id, state: "queued", durationMs });
  }

  /** Forgets a job that did not reach the queue, unless a result shows that it did. */
  drop(id: string): void {
    if (this.#records.get(id)?.state === "queued") this.#records.delete(id);
  }

  /**
   * Remembers a job's first result and returns whether this was it: a job may be done twice, and a result that was shown stays. The
   * job may be unknown, since the gateway may route its result to a replica that did not accept it.
   */
  finish(result: JobResult): boolean {
    if (this.#records.get(result.id)?.result !== undefined) return false;
    this.#set({ ...this.#records.get(result.id), id: result.id, state: result.status, result });
    return true;
  }

  counts(): Record<JobRecord["state"], number> {
    const counts = { queued: 0, done: 0, failed: 0 };
    for (const { state } of this.#records.values()) counts[state] += 1;
    return counts;
  }

  #set(record: JobRecord): void {
    this.#records.set(record.id, record);
    if (this.#records.size <= maxRecords) return;
    const [oldest] = this.#records.keys();
    if (oldest !== undefined) this.#records.delete(oldest);
  }
}
