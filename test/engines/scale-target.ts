import { performance } from "node:perf_hooks";

import { sleep } from "../../packages/runtime/src/index.ts";
import type { ApiClient, ApiObject } from "./api-client.ts";

/** A change of a Deployment's replicas, with the time at which it was heard of. */
export interface ReplicaChange {
  readonly replicas: number;
  /** Epoch milliseconds. */
  readonly atMs: number;
}

const deadlineMs = 60_000;
const settleMs = 600;

/** A Deployment that KEDA scales, in a namespace of its own. No pod of it ever runs: there is no node. */
export class ScaleTarget {
  readonly changes: ReplicaChange[] = [];
  readonly #api: ApiClient;
  readonly #name: string;
  readonly #watch = new AbortController();
  readonly #listeners = new Set<() => void>();

  /** @param spec The ScaledObject's, without its target. Fails with what KEDA's webhook says. */
  static async create(api: ApiClient, name: string, spec: object, replicas = 0): Promise<ScaleTarget> {
    const target = new ScaleTarget(api, name);
    await api.apply({ apiVersion: "v1", kind: "Namespace", metadata: { name } });
    await api.apply(deploymentOf(name, replicas));
    await api.watch(target.#deployment, (object) => target.#note(object), target.#watch.signal);
    await api.apply({
      apiVersion: "keda.sh/v1alpha1",
      kind: "ScaledObject",
      metadata: { name, namespace: name },
      spec: { scaleTargetRef: { name }, ...spec },
    });
    return target;
  }

  private constructor(api: ApiClient, name: string) {
    this.#api = api;
    this.#name = name;
  }

  get #deployment(): string {
    return `/apis/apps/v1/namespaces/${this.#name}/deployments/${this.#name}`;
  }

  get path(): string {
    return `/apis/keda.sh/v1alpha1/namespaces/${this.#name}/scaledobjects/${this.#name}`;
  }

  async scaledObject(): Promise<ApiObject> {
    return this.#api.get(this.path);
  }

  async replicas(): Promise<number> {
    return (await this.#api.get(this.#deployment))["spec"].replicas as number;
  }

  /** Sets the replicas past KEDA, as `kubectl scale` does, until they stay so: a push may still be on its way. */
  async scaleTo(replicas: number): Promise<void> {
    do {
      await this.#api.patch(this.#deployment, { spec: { replicas } });
      await sleep(settleMs);
    } while ((await this.replicas()) !== replicas);
  }

  /** The first change to these replicas since `sinceMs`, past or to come. */
  until(replicas: number, sinceMs = 0, timeoutMs = deadlineMs): Promise<ReplicaChange> {
    const { promise, resolve, reject } = Promise.withResolvers<ReplicaChange>();
    const look = () => {
      const change = this.changes.find(
        (candidate) => candidate.replicas === replicas && candidate.atMs >= sinceMs,
      );
      if (change) resolve(change);
    };
    const timer = setTimeout(
      () => reject(new Error(`no ${replicas} replicas in ${timeoutMs} ms; ${JSON.stringify(this.changes)}`)),
      timeoutMs,
    );
    this.#listeners.add(look);
    look();
    return promise.finally(() => {
      clearTimeout(timer);
      this.#listeners.delete(look);
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#watch.abort();
    await this.#api.delete(this.path);
    await this.#api.delete(`/api/v1/namespaces/${this.#name}`);
  }

  #note({ spec }: ApiObject): void {
    const replicas = (spec as { replicas?: number } | undefined)?.replicas ?? 0;
    if (this.changes.at(-1)?.replicas === replicas) return;
    this.changes.push({ replicas, atMs: performance.timeOrigin + performance.now() });
    for (const listener of this.#listeners) listener();
  }
}

/** A Deployment whose pods never run, in the namespace of its own name. */
export function deploymentOf(name: string, replicas: number): ApiObject {
  const labels = { app: name };
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name, namespace: name },
    spec: {
      replicas,
      selector: { matchLabels: labels },
      template: {
        metadata: { labels },
        spec: { containers: [{ name: "app", image: "none", resources: { requests: { cpu: "10m" } } }] },
      },
    },
  };
}
