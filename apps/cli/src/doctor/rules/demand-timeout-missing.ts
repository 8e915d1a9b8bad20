import { title } from "@kong-serverless/manifests";

import { fault, type Rule } from "../rule.ts";

export const demandTimeoutMissing: Rule = {
  code: "DEMAND_TIMEOUT_MISSING",
  topic: "numbers",
  severity: "warning",
  why: "KEDA waits 3 s, its default HTTP timeout, for a gateway pod that does not answer, and checks none of the ScaledObject's other triggers meanwhile: a wake may be delayed by that much.",
  fix: 'Set the trigger\'s timeout to a second ("1s"; since KEDA 2.20).',
  *check({ scalers }) {
    for (const { manifest, demands } of scalers) {
      for (const { place, backend } of demands) {
        const timeout = place.at("metadata", "timeout");
        if (timeout.exists) continue;
        yield fault(timeout, `${title(manifest)} asks for the demand of ${backend} without a timeout`);
      }
    }
  },
};
