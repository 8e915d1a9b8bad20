/** What KEDA's operator knows about a ScaledObject at one poll. Times are epoch ms, periods seconds. */
export interface KedaState {
  readonly replicas: number;
  /** Some trigger is active: triggers are OR for activation. */
  readonly isActive: boolean;
  /** Some trigger could not be read. */
  readonly hasError: boolean;
  /** The ScaledObject's `fallback.replicas`; undefined where it has none. */
  readonly fallbackReplicas: number | undefined;
  readonly minReplicaCount: number;
  readonly cooldownPeriod: number;
  readonly initialCooldownPeriod: number;
  readonly createdAtMs: number;
  readonly lastActiveAtMs: number | undefined;
  readonly nowMs: number;
}

export interface KedaDecision {
  /** Replicas to set; undefined leaves them to the HPA. */
  readonly scaleTo?: number;
  /** Whether this poll counts as activity: cooldown runs from the last one that did. */
  readonly isActivity: boolean;
}

/**
 * One poll of KEDA's scale loop: 0 -> 1, N -> 0 and keeping the minimum; everything between is the HPA's.
 * Rules: RequestScale and scaleToZeroOrIdle in KEDA's pkg/scaling/executor/scale_scaledobjects.go.
 */
export function decide(state: KedaState): KedaDecision {
  if (state.isActive) {
    if (state.replicas === 0) return { scaleTo: Math.max(1, state.minReplicaCount), isActivity: true };
    // An active trigger next to a failing one keeps the replicas, but does not refresh lastActiveTime.
    return { isActivity: !state.hasError };
  }
  // An unreadable trigger is no reason to stop a workload, unless its fallback is 0 replicas.
  if (state.hasError && state.fallbackReplicas !== 0) return { isActivity: false };
  if (state.replicas > 0 && state.minReplicaCount === 0) {
    return hasCooledDown(state) ? { scaleTo: 0, isActivity: false } : { isActivity: false };
  }
  if (state.replicas < state.minReplicaCount) return { scaleTo: state.minReplicaCount, isActivity: false };
  return { isActivity: false };
}

function hasCooledDown(state: KedaState): boolean {
  const [since, periodSeconds] =
    state.lastActiveAtMs === undefined
      ? [state.createdAtMs, state.initialCooldownPeriod]
      : [state.lastActiveAtMs, state.cooldownPeriod];
  return since + periodSeconds * 1000 < state.nowMs;
}
