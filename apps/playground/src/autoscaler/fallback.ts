import type { PolledTrigger, TriggerReading } from "./trigger.ts";

/** A ScaledObject's `fallback`. */
export interface FallbackSettings {
  /** How often in a row a trigger may fail before the fallback applies. */
  readonly failureThreshold: number;
  readonly replicas: number;
  readonly behavior:
    | "static"
    | "currentReplicas"
    | "currentReplicasIfHigher"
    | "currentReplicasIfLower"
    | "scalingModifiers";
}

/**
 * The value that KEDA assumes for a trigger that keeps failing. Failed polls and failed queries of the HPA both count.
 * https://keda.sh/docs/latest/reference/scaledobject-spec/#fallback
 */
export class Fallback {
  readonly #settings: FallbackSettings | undefined;
  readonly #failures = new Map<PolledTrigger, number>();

  constructor(settings: FallbackSettings | undefined) {
    this.#settings = settings;
  }

  /** @returns undefined if the trigger has failed and no fallback applies, or not yet. */
  reading(
    trigger: PolledTrigger,
    result: PromiseSettledResult<TriggerReading>,
    replicas: number,
  ): TriggerReading | undefined {
    if (result.status === "fulfilled") {
      this.#failures.delete(trigger);
      return result.value;
    }
    const failures = (this.#failures.get(trigger) ?? 0) + 1;
    this.#failures.set(trigger, failures);
    const { targetPerReplica } = trigger;
    if (this.#settings === undefined || targetPerReplica === undefined) return undefined;
    if (failures <= this.#settings.failureThreshold) return undefined;
    const wanted = wantedReplicas(this.#settings, replicas);
    // KEDA counts any fallback as activity, even one of zero replicas.
    return wanted === undefined
      ? undefined
      : { value: targetPerReplica * wanted, isActive: true, targetPerReplica };
  }
}

function wantedReplicas({ behavior, replicas }: FallbackSettings, current: number): number | undefined {
  switch (behavior) {
    case "static":
      return replicas;
    case "currentReplicas":
      return current;
    case "currentReplicasIfHigher":
      return Math.max(current, replicas);
    case "currentReplicasIfLower":
      return Math.min(current, replicas);
    case "scalingModifiers":
      // A formula would decide, and the playground has none.
      return undefined;
  }
}
