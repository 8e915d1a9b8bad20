import { fault, type Rule } from "../rule.ts";
import { warmths } from "../warmth.ts";

export const keepWarmTooSlow: Rule = {
  code: "KEEP_WARM_TOO_SLOW",
  topic: "numbers",
  severity: "error",
  why: "The wake queue runs empty under traffic: after the cooldown the backend is stopped while it is in use.",
  fix: "Keep keepWarmIntervalMs + pollingInterval below the wake queue's retention.",
  *check(system) {
    for (const { backend, keepWarmMs, pollingMs, retentionMs, isKeptByDemand, given } of warmths(system)) {
      const place = backend.config.at("keepWarmIntervalMs");
      if (keepWarmMs > 0 && keepWarmMs + pollingMs >= retentionMs) yield fault(place, given);
      if (keepWarmMs > 0 || isKeptByDemand) continue;
      yield fault(
        place,
        `Backend ${backend.settings.name} sends no keep-warm messages, and no demand trigger keeps it up`,
      );
    }
  },
};
