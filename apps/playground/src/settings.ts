import type { Cluster } from "./manifests/cluster.ts";

/** A time that the playground may shorten: its value in the manifests (or the real system), and the one used here. */
interface ShortenedTime {
  readonly inCluster: number;
  readonly used: number;
}

/**
 * Times that are short enough here to watch a cold start and a scale-down. Only these differ from a cluster, and the
 * rules between times (docs/architecture.md) hold for them too.
 */
export interface PlaygroundSettings {
  /** ScaledObject `cooldownPeriod`. */
  readonly cooldownSeconds: ShortenedTime;
  /** ScaledObject `stabilizationWindowSeconds` of the HPA. */
  readonly scaleDownStabilizationSeconds: ShortenedTime;
  /** How often the HPA decides. */
  readonly hpaSyncSeconds: ShortenedTime;
  /** Retention of wake queues. SQS accepts 60 s or more; the playground plays the expiry itself. */
  readonly wakeRetentionSeconds: ShortenedTime;
  /** Plugin `keepWarmIntervalMs`; below the retention with room for one lost message. */
  readonly keepWarmIntervalMs: ShortenedTime;
}

/** The longest of each time that any manifest asks for, shortened unless `realTimes` is set. */
export function chooseSettings(cluster: Cluster, realTimes: boolean): PlaygroundSettings {
  const specs = cluster.scaleTargets.map(({ scaledObject }) => scaledObject.spec);
  const stabilizations = specs.map(
    (spec) =>
      spec.advanced?.horizontalPodAutoscalerConfig?.behavior?.scaleDown?.stabilizationWindowSeconds ?? 300,
  );
  const keepWarms = cluster.backends.map(({ keepWarmIntervalMs }) => keepWarmIntervalMs);
  const shorten = (inCluster: number, shortened: number): ShortenedTime => ({
    inCluster,
    used: realTimes ? inCluster : Math.min(inCluster, shortened),
  });
  return {
    cooldownSeconds: shorten(Math.max(0, ...specs.map((spec) => spec.cooldownPeriod)), 6),
    scaleDownStabilizationSeconds: shorten(Math.max(0, ...stabilizations), 6),
    hpaSyncSeconds: shorten(15, 2),
    wakeRetentionSeconds: shorten(60, 6),
    keepWarmIntervalMs: shorten(Math.max(0, ...keepWarms), 2_000),
  };
}
