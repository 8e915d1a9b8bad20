import type { Job, JobResult } from "@kong-serverless/config";

export interface JobRecord {
  readonly id: string;
  readonly state: "queued" | JobResult["status"];
  /** Absent for a job that another replica took. */
  readonly durationMs?: number;
  readonly result?: JobResult;
}

/** The most jobs that are remembered; the oldest is forgotten first. */
const maxRecords = 10_000;

/** What this replica knows of jobs, in memory: those it took, and those whose result came to it. */
export class JobStore {
  readonly #records = new Map<string, JobRecord>();

  get(id: string): JobRecord | undefined {
    return this.#records.get(id);
  }

  /** Remembers a job that is about to be published. */
  add({ id, durationMs }: Job): void {
    this.#set({ id, state: "queued", durationMs });
  }

  /** Forgets a job that did not get onto the queue, unless a result says that it did. */
  drop(id: string): void {
    if (this.#records.get(id)?.state === "queued") this.#records.delete(id);
  }

  /**
   * Remembers a job's first result, and returns whether it was that: a job may be done twice, and what has been shown stays. The job may be
   * unknown, since the gateway may bring a result to another replica than took the job.
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
