import { fault, type Rule } from "../rule.ts";
import { warmths } from "../warmth.ts";

export const keepWarmWithoutSpare: Rule = {
  code: "KEEP_WARM_WITHOUT_SPARE",
  topic: "numbers",
  severity: "warning",
  why: "A single lost keep-warm message leaves the wake queue empty under traffic.",
  fix: "Keep 2 x keepWarmIntervalMs + pollingInterval below the wake queue's retention.",
  *check(system) {
    for (const { backend, keepWarmMs, pollingMs, retentionMs, given } of warmths(system)) {
      const suffices = keepWarmMs + pollingMs < retentionMs;
      if (keepWarmMs === 0 || !suffices || 2 * keepWarmMs + pollingMs < retentionMs) continue;
      yield fault(backend.config.at("keepWarmIntervalMs"), given);
    }
  },
};
