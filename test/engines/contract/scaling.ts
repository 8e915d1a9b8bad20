import type { ReplicaChange } from "./replica-history.ts";

/** A ScaledObject for a workload of the same name, in a namespace of that name. */
export interface ScaledObjectDraft {
  readonly name: string;
  readonly annotations?: Readonly<Record<string, string>>;
  /** Without its target. */
  readonly spec: object;
}

/** Scales workloads by their ScaledObjects: KEDA with the HPA, or what plays them. */
export interface Scaling {
  /** @param replicas The workload's replicas before there is a ScaledObject. */
  scale(draft: ScaledObjectDraft, replicas?: number): Promise<ScaledWorkload>;
}

/** A workload without pods: only its replica count matters. */
export interface ScaledWorkload extends AsyncDisposable {
  /** Resolves once pushes take effect. */
  ready(): Promise<void>;
  replicas(): Promise<number>;
  /** Sets the replicas directly, as `kubectl scale` does, until they stay so. */
  scaleTo(replicas: number): Promise<void>;
  /** The first change to these replicas since `sinceMs` (epoch), past or to come. */
  until(replicas: number, sinceMs?: number): Promise<ReplicaChange>;
}
