import { fault, type Rule } from "../rule.ts";
import { warmths } from "../warmth.ts";

export const keepWarmWithoutSpare: Rule = {
  code: "KEEP_WARM_WITHOUT_SPARE",
  topic: "numbers",
  severity: "warning",
  why: "One lost keep-warm message and the wake queue is empty under traffic.",
  fix: "Keep twice keepWarmIntervalMs + pollingInterval below the wake queue's retention.",
  *check(system) {
    for (const { backend, keepWarmMs, pollingMs, retentionMs, given } of warmths(system)) {
      const suffices = keepWarmMs + pollingMs < retentionMs;
      if (keepWarmMs === 0 || !suffices || 2 * keepWarmMs + pollingMs < retentionMs) continue;
      yield fault(backend.config.at("keepWarmIntervalMs"), given);
    }
  },
};
