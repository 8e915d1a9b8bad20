import type { TriggerReading } from "./trigger.ts";

export interface HpaSettings {
  readonly minReplicas: number;
  readonly maxReplicas: number;
  readonly scaleDownStabilizationSeconds: number;
}

interface Recommendation {
  readonly atMs: number;
  readonly replicas: number;
}

/** A ratio this close to 1 changes nothing: kube-controller-manager's --horizontal-pod-autoscaler-tolerance. */
const tolerance = 0.1;
/** The default scale-up policies: in 15 s at most 4 pods or 100 %, whichever is more. */
const scaleUpPeriodMs = 15_000;
const scaleUpPods = 4;

/**
 * The HPA that KEDA makes for a ScaledObject, from 1 to N: the maximum over the triggers, each an external metric of
 * type AverageValue.
 * https://kubernetes.io/docs/tasks/run-application/horizontal-pod-autoscale/#algorithm-details
 */
export class HorizontalPodAutoscaler {
  readonly #settings: HpaSettings;
  #recommendations: Recommendation[] = [];
  #changes: Recommendation[] = [];

  constructor(settings: HpaSettings) {
    this.#settings = settings;
  }

  /** The replicas for this sync. `readings` lack the triggers that failed; then `hasError` is set. */
  recommend(replicas: number, readings: readonly TriggerReading[], hasError: boolean, nowMs: number): number {
    // The HPA is disabled while its target has no replicas: scaling from zero is up to KEDA.
    if (replicas === 0 || readings.length === 0) return replicas;
    const wanted = Math.max(...readings.map((reading) => wantedReplicas(replicas, reading)));
    // With a metric missing, demand may be higher than it looks: scaling up is safe, down is not.
    const safe = hasError ? Math.max(replicas, wanted) : wanted;
    const stable = this.#stabilize(this.#clamp(safe), nowMs);
    const limited = Math.min(stable, this.#scaleUpLimit(replicas, nowMs));
    if (limited !== replicas) this.#changes.push({ atMs: nowMs, replicas: limited - replicas });
    return limited;
  }

  #clamp(replicas: number): number {
    const { minReplicas, maxReplicas } = this.#settings;
    return Math.min(maxReplicas, Math.max(1, minReplicas, replicas));
  }

  /** Scales down no further than the highest recommendation within the stabilization window. */
  #stabilize(replicas: number, nowMs: number): number {
    const from = nowMs - this.#settings.scaleDownStabilizationSeconds * 1000;
    this.#recommendations = this.#recommendations.filter(({ atMs }) => atMs > from);
    this.#recommendations.push({ atMs: nowMs, replicas });
    return Math.max(...this.#recommendations.map((recommendation) => recommendation.replicas));
  }

  #scaleUpLimit(replicas: number, nowMs: number): number {
    this.#changes = this.#changes.filter(({ atMs }) => atMs > nowMs - scaleUpPeriodMs);
    const added = this.#changes.reduce((sum, change) => sum + Math.max(0, change.replicas), 0);
    const atPeriodStart = replicas - added;
    return Math.max(replicas, atPeriodStart + scaleUpPods, atPeriodStart * 2);
  }
}

function wantedReplicas(replicas: number, { value, targetPerReplica }: TriggerReading): number {
  const ratio = value / (targetPerReplica * replicas);
  return Math.abs(ratio - 1) <= tolerance ? replicas : Math.ceil(value / targetPerReplica);
}
