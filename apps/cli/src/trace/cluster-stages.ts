import { type ApiServer, watchResources } from "@kong-serverless/kubernetes-watch";
import { ServerlessError, sleep, withDeadline } from "@kong-serverless/runtime";

import {
  type WatchedDeployment,
  Observed,
  type WatchedPod,
  type PodEvent,
  type WatchedSlice,
} from "./observed.ts";

/** When a stage of a cold start was reached. */
export interface ClusterStage {
  readonly stage: string;
  /** Milliseconds since the request was sent. */
  readonly atMs: number;
  /** Milliseconds since the stage before. */
  readonly durationMs: number;
}

export interface ClusterStagesOptions {
  readonly server: ApiServer & {
    get(path: string): Promise<{ readonly status: number; readonly body: unknown }>;
  };
  /** NAMESPACE/NAME */
  readonly deployment: string;
  readonly signal: AbortSignal;
}

/** A collection to watch, and what to do with each of its resources. */
interface Followed<Resource> {
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  /** @param isOld Whether it was there before the request. */
  readonly note: (resource: Resource, isOld: boolean) => void;
}

const released = "released by the gateway";
const readTimeoutMs = 15_000;
/** How long to wait for Kubernetes to notice a pod that has already answered. */
const settleMs = 5000;
const settleCheckMs = 50;

/**
 * Watches a Deployment, its pods, their events and endpoints during a request. Kubernetes' timestamps have whole
 * seconds, so a stage counts from the moment at which it was seen.
 */
export class ClusterStages {
  readonly #observed: Observed;
  readonly #watching: AbortController;

  /** Resolves once everything is watched. Throws CLUSTER_UNREACHABLE if there is no such Deployment. */
  static async watch({ server, deployment, signal }: ClusterStagesOptions): Promise<ClusterStages> {
    const [namespace = "", name = ""] = deployment.split("/");
    const apps = `/apis/apps/v1/namespaces/${namespace}/deployments`;
    const { status, body } = await server.get(`${apps}/${name}`);
    if (status !== 200)
      throw unreachable(`the Deployment ${deployment} could not be read (status ${status})`);
    const labels = Object.entries((body as WatchedDeployment).spec.selector?.matchLabels ?? {});

    const observed = new Observed(name);
    const watching = new AbortController();
    using deadline = withDeadline(
      readTimeoutMs,
      () => new Error(`nothing within ${readTimeoutMs} ms`),
      signal,
    );
    deadline.signal.addEventListener("abort", () => watching.abort(deadline.signal.reason), { once: true });
    signal.addEventListener("abort", () => watching.abort(signal.reason), { once: true });
    const deployments: Followed<WatchedDeployment> = {
      path: apps,
      query: { fieldSelector: `metadata.name=${name}` },
      note: (found) => observed.noteDeployment(found),
    };
    const pods: Followed<WatchedPod> = {
      path: `/api/v1/namespaces/${namespace}/pods`,
      query: { labelSelector: labels.map(([key, value]) => `${key}=${value}`).join(",") },
      note: (pod, isOld) => observed.notePod(pod, isOld),
    };
    const events: Followed<PodEvent> = {
      path: `/api/v1/namespaces/${namespace}/events`,
      query: { fieldSelector: "involvedObject.kind=Pod" },
      note: (event, isOld) => isOld || observed.noteEvent(event),
    };
    const slices: Followed<WatchedSlice> = {
      path: `/apis/discovery.k8s.io/v1/namespaces/${namespace}/endpointslices`,
      note: (slice) => observed.noteSlice(slice),
    };
    try {
      const followed = [deployments, pods, events, slices] as readonly Followed<unknown>[];
      await Promise.all(followed.map((each) => follow(server, each, watching.signal)));
    } catch (error) {
      watching.abort();
      throw unreachable((error as Error).message);
    }
    return new ClusterStages(observed, watching);
  }

  private constructor(observed: Observed, watching: AbortController) {
    this.#observed = observed;
    this.#watching = watching;
  }

  [Symbol.dispose](): void {
    this.#watching.abort();
  }

  /**
   * What has been seen so far and, if a pod has started, waits for the rest.
   *
   * @param sentAtMs When the request was sent, on the clock of `performance.now()`.
   * @param releasedAfterMs After how long the gateway let it go; undefined for a warm one.
   */
  async stages(sentAtMs: number, releasedAfterMs: number | undefined): Promise<ClusterStage[]> {
    const untilMs = performance.now() + settleMs;
    while (this.#observed.isUnderWay && performance.now() < untilMs) await sleep(settleCheckMs);
    const seen = [...this.#observed.stages];
    if (releasedAfterMs !== undefined) seen.push({ stage: released, atMs: sentAtMs + releasedAfterMs });
    let lastMs = sentAtMs;
    return seen
      .toSorted((a, b) => a.atMs - b.atMs)
      .map(({ stage, atMs }) => {
        const durationMs = Math.round(atMs - lastMs);
        lastMs = atMs;
        return { stage, atMs: Math.round(atMs - sentAtMs), durationMs };
      });
  }
}

/** Resolves once existing resources have been listed; keeps watching until `signal` aborts. */
function follow(
  server: ApiServer,
  { path, query, note }: Followed<unknown>,
  signal: AbortSignal,
): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  let isOld = true;
  const options = {
    server,
    path,
    ...(query !== undefined && { query }),
    onSynced: (resources: readonly unknown[]) => {
      for (const resource of resources) note(resource, isOld);
      isOld = false;
      resolve();
    },
    onChanged: (resource: unknown) => note(resource, false),
    onRemoved: () => {},
    onLost: reject,
  };
  void watchResources(options, signal).then(() => reject(signal.reason as Error));
  return promise;
}

function unreachable(why: string): ServerlessError {
  return new ServerlessError("CLUSTER_UNREACHABLE", `The cluster could not be watched: ${why}.`);
}
