import { title } from "@kong-serverless/manifests";

import { fault, notLookedAt, type Rule } from "../rule.ts";

export const inFlightNotCounted: Rule = {
  code: "IN_FLIGHT_NOT_COUNTED",
  topic: "numbers",
  severity: "error",
  why: "Messages being handled do not count: KEDA stops the consumer while it works on the last ones.",
  fix: 'Leave scaleOnInFlight at its default, "true".',
  *check({ scalers, apps }) {
    const consumers = new Set(apps.consumers.map(({ workload }) => workload));
    for (const { manifest, target, queues } of scalers) {
      for (const { place } of queues) {
        const counted = place.at("metadata", "scaleOnInFlight");
        if (counted.scalar !== "false") continue;
        if (target === undefined || !consumers.has(target)) {
          // KEDA documents this for workers that can be stopped at any time.
          yield notLookedAt(
            `whether what ${title(manifest)} scales may be stopped while it works: its trigger does not count messages in flight`,
          );
          continue;
        }
        yield fault(counted, `${title(manifest)} does not count messages in flight`);
      }
    }
  },
};
