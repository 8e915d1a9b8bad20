import { vi } from "vitest";

import { sleep } from "../../packages/runtime/src/index.ts";
import type { ApiClient, ApiObject } from "./api-client.ts";
import { type ReplicaChange, ReplicaHistory } from "./contract/replica-history.ts";
import type { ScaledObjectDraft, ScaledWorkload, Scaling } from "./contract/scaling.ts";

const settleMs = 600;
const readyTimeoutMs = 60_000;

/** Scaling by the KEDA of this API server. */
export function scalingBy(api: ApiClient): Scaling {
  return { scale: (draft, replicas) => KedaWorkload.create(api, draft, replicas) };
}

/** A Deployment that KEDA scales, in its own namespace. Its pods never run, as there is no node. */
export class KedaWorkload implements ScaledWorkload {
  readonly #history = new ReplicaHistory();
  readonly #api: ApiClient;
  readonly #name: string;
  readonly #watch = new AbortController();

  /** Rejects with the message of KEDA's webhook. */
  static async create(
    api: ApiClient,
    { name, annotations = {}, spec }: ScaledObjectDraft,
    replicas = 0,
  ): Promise<KedaWorkload> {
    const target = new KedaWorkload(api, name);
    await api.apply({ apiVersion: "v1", kind: "Namespace", metadata: { name } });
    await api.apply(deploymentOf(name, replicas));
    await api.watch(target.#deployment, (object) => target.#note(object), target.#watch.signal);
    await api.apply({
      apiVersion: "keda.sh/v1alpha1",
      kind: "ScaledObject",
      metadata: { name, namespace: name, annotations },
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

  /** KEDA drops pushes until it knows a metric. */
  async ready(): Promise<void> {
    await vi.waitUntil(async () => (await this.metricNames()).length > 0, {
      timeout: readyTimeoutMs,
      interval: 200,
    });
  }

  async metricNames(): Promise<readonly string[]> {
    const { status } = await this.scaledObject();
    return (status as { externalMetricNames?: string[] } | undefined)?.externalMetricNames ?? [];
  }

  async replicas(): Promise<number> {
    return (await this.#api.get(this.#deployment))["spec"].replicas as number;
  }

  /** Sets the replicas as `kubectl scale` does, bypassing KEDA, until they stay: a push may still be on its way. */
  async scaleTo(replicas: number): Promise<void> {
    do {
      await this.#api.patch(this.#deployment, { spec: { replicas } });
      await sleep(settleMs);
    } while ((await this.replicas()) !== replicas);
  }

  until(replicas: number, sinceMs?: number): Promise<ReplicaChange> {
    return this.#history.until(replicas, sinceMs);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#watch.abort();
    await this.#api.delete(this.path);
    await this.#api.delete(`/api/v1/namespaces/${this.#name}`);
  }

  #note({ spec }: ApiObject): void {
    this.#history.note((spec as { replicas?: number } | undefined)?.replicas ?? 0);
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
