import { title } from "@kong-serverless/manifests";

import { fault, type Rule } from "../rule.ts";

export const inFlightNotCounted: Rule = {
  code: "IN_FLIGHT_NOT_COUNTED",
  topic: "numbers",
  severity: "error",
  why: "A message in work does not count: KEDA stops the consumer while it works on the last ones.",
  fix: 'Leave scaleOnInFlight at its default, "true".',
  *check({ scalers }) {
    for (const { manifest, queues } of scalers) {
      for (const { place } of queues) {
        const counted = place.at("metadata", "scaleOnInFlight");
        if (counted.scalar !== "false") continue;
        yield fault(counted, `${title(manifest)} does not count messages in flight`);
      }
    }
  },
};
