import { demandWatches, title, wakeWatches } from "@kong-serverless/manifests";

import { fault, type Rule } from "../rule.ts";

export const wakeActivationTooHigh: Rule = {
  code: "WAKE_ACTIVATION_TOO_HIGH",
  topic: "numbers",
  severity: "error",
  why: "A single message or held request must wake the backend, but the trigger becomes active only above its activation value.",
  fix: 'Set the trigger\'s activation value to "0".',
  *check(system) {
    for (const backend of system.backends) {
      for (const { scaler, trigger } of wakeWatches(system, backend)) {
        const messages = trigger.activation.number ?? 0;
        if (messages <= 0) continue;
        const what = `${title(scaler.manifest)} becomes active above ${messages} messages`;
        yield fault(trigger.activation, what);
      }
      if (backend.settings.wake !== undefined) continue;
      for (const { scaler, trigger } of demandWatches(system, backend)) {
        const activation = trigger.place.at("metadata", "activationTargetValue");
        if ((activation.number ?? 0) <= 0) continue;
        const what = `${title(scaler.manifest)} becomes active above a demand of ${activation.number}`;
        yield fault(activation, what);
      }
    }
  },
};
