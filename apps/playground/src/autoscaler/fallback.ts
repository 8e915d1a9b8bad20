import type { PolledTrigger, TriggerReading } from "./trigger.ts";

/** A ScaledObject's `fallback`. */
export interface FallbackSettings {
  /** How often in a row a trigger may fail before the fallback counts. */
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
 * What KEDA takes for the value of a trigger that keeps failing, polls and the HPA's questions counted alike.
 * https://keda.sh/docs/latest/reference/scaledobject-spec/#fallback
 */
export class Fallback {
  readonly #settings: FallbackSettings | undefined;
  readonly #failures = new Map<PolledTrigger, number>();

  constructor(settings: FallbackSettings | undefined) {
    this.#settings = settings;
  }

  /** @returns undefined where the trigger has failed and there is nothing to fall back on, or not yet. */
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
    // KEDA takes a fallback for activity, whatever it comes to.
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
      // The formula would say, and there are no formulas here.
      return undefined;
  }
}
