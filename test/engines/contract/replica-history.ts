/** A change of a workload's replicas, with the time at which it was seen. */
export interface ReplicaChange {
  readonly replicas: number;
  /** Epoch milliseconds. */
  readonly atMs: number;
}

const deadlineMs = 60_000;

/** The history of a workload's replicas. */
export class ReplicaHistory {
  readonly #changes: ReplicaChange[] = [];
  readonly #listeners = new Set<() => void>();

  note(replicas: number): void {
    if (this.#changes.at(-1)?.replicas === replicas) return;
    this.#changes.push({ replicas, atMs: performance.timeOrigin + performance.now() });
    for (const listener of this.#listeners) listener();
  }

  /** The first change to these replicas since `sinceMs`, past or to come. */
  until(replicas: number, sinceMs = 0): Promise<ReplicaChange> {
    const { promise, resolve, reject } = Promise.withResolvers<ReplicaChange>();
    const look = () => {
      const change = this.#changes.find(
        (candidate) => candidate.replicas === replicas && candidate.atMs >= sinceMs,
      );
      if (change) resolve(change);
    };
    const timer = setTimeout(
      () =>
        reject(new Error(`no ${replicas} replicas in ${deadlineMs} ms; ${JSON.stringify(this.#changes)}`)),
      deadlineMs,
    );
    this.#listeners.add(look);
    look();
    return promise.finally(() => {
      clearTimeout(timer);
      this.#listeners.delete(look);
    });
  }
}
