import { randomBytes } from "node:crypto";

import { freePort } from "@kong-serverless/runtime";

import type { Scalable } from "../autoscaler/autoscaler.ts";
import { errorMessage } from "../error-message.ts";
import type { Journal } from "../journal.ts";
import type { Deployment } from "../manifests/kinds.ts";
import type { Endpoint } from "../network/endpoint.ts";
import { journalLine } from "../processes/journal-line.ts";
import type { Program } from "../processes/program.ts";
import { PlayedPod } from "./played-pod.ts";

export interface ReplicaSetOptions {
  readonly deployment: Deployment;
  readonly program: Program;
  readonly environmentFor: (podName: string, ports: ReadonlyMap<number, number>) => Record<string, string>;
  readonly journal: Journal;
}

/** A Deployment's pods, as many as it is scaled to. It starts with none. */
export class ReplicaSet implements Scalable {
  readonly #options: ReplicaSetOptions;
  readonly #pods = new Set<PlayedPod>();
  readonly #starting = new Set<Promise<void>>();
  #isStopped = false;
  #replicas = 0;

  constructor(options: ReplicaSetOptions) {
    this.#options = options;
  }

  get name(): string {
    return this.#options.deployment.metadata.name;
  }

  get labels(): Readonly<Record<string, string>> {
    return this.#options.deployment.spec.template.metadata.labels;
  }

  /** Replicas asked for, as `spec.replicas`. */
  get replicas(): number {
    return this.#replicas;
  }

  /** Processes that still run, including terminating ones. */
  get running(): number {
    return this.#pods.size + this.#starting.size;
  }

  get readyPods(): number {
    return [...this.#pods].filter((pod) => pod.isReady).length;
  }

  readyEndpoints(port: number | string): Endpoint[] {
    return [...this.#pods].filter((pod) => pod.isReady).flatMap((pod) => pod.endpoint(port) ?? []);
  }

  scaleTo(replicas: number): void {
    if (this.#isStopped) return;
    this.#replicas = replicas;
    this.#reconcile();
  }

  async stop(graceMs: number): Promise<void> {
    this.#isStopped = true;
    this.#replicas = 0;
    await Promise.all(this.#starting);
    await Promise.all([...this.#pods].map((pod) => pod.stop(graceMs)));
    this.#pods.clear();
  }

  /** Kills the process of one pod, preferably a ready one, and returns the pod's name; undefined if there is none. */
  killOne(): string | undefined {
    const pods = this.#lastingPods;
    const victim = pods.find((pod) => pod.isReady) ?? pods[0];
    victim?.kill();
    return victim?.name;
  }

  #reconcile(): void {
    const lasting = this.#lastingPods;
    for (let missing = this.#replicas - lasting.length - this.#starting.size; missing > 0; missing--) {
      const start = this.#startPod().finally(() => this.#starting.delete(start));
      this.#starting.add(start);
    }
    // A controller deletes pods that are not ready before those that are, and of these the youngest first.
    // https://kubernetes.io/docs/concepts/workloads/controllers/replicaset/#scaling-a-replicaset
    const surplus = lasting
      .toReversed()
      .sort((a, b) => Number(a.isReady) - Number(b.isReady))
      .slice(0, Math.max(0, lasting.length - this.#replicas));
    for (const pod of surplus) void pod.terminate().finally(() => this.#pods.delete(pod));
  }

  get #lastingPods(): PlayedPod[] {
    return [...this.#pods].filter((pod) => !pod.isTerminating);
  }

  /** Never rejects: a pod that cannot be started is journaled. */
  async #startPod(): Promise<void> {
    const { deployment, program, environmentFor, journal } = this.#options;
    const { spec } = deployment.spec.template;
    const name = `${deployment.metadata.name}-${randomBytes(3).toString("hex")}`;
    const fields = { target: deployment.metadata.name, pod: name };
    try {
      const ports = new Map<number, number>();
      for (const { containerPort } of spec.containers[0]?.ports ?? [])
        ports.set(containerPort, await freePort());
      // Scaled down again or stopped meanwhile.
      if (this.#lastingPods.length >= this.#replicas) return;
      const pod = new PlayedPod({
        name,
        spec,
        program,
        ports,
        environment: environmentFor(name, ports),
        onEvent: (event, more) => journal.record("kubelet", event, { ...fields, ...more }),
        onLine: (line) => journalLine(journal, "app", line, fields),
      });
      this.#pods.add(pod);
    } catch (error) {
      journal.record("kubelet", "pod.start_failed", { ...fields, error: errorMessage(error) });
    }
  }
}
