import { demandWatches, title } from "@kong-serverless/manifests";

import { fault, type Rule } from "../rule.ts";

const farFactor = 10;

/** Both say how many requests one replica takes at once. 0, all at once, is a deliberate choice. */
export const releaseFarFromTarget: Rule = {
  code: "RELEASE_FAR_FROM_TARGET",
  topic: "numbers",
  severity: "warning",
  why: "Both numbers say how many requests one replica takes at once. If the release is far above the target, the first replica may refuse some; if it is far below, requests wait although the replica could serve them.",
  fix: "Set releaseConcurrency to the targetValue of the ScaledObject's demand trigger or slightly above it.",
  *check(system) {
    for (const backend of system.backends) {
      const { name, health, releaseConcurrency } = backend.settings;
      if (health === undefined || releaseConcurrency === 0) continue;
      for (const { scaler, trigger } of demandWatches(system, backend)) {
        const perReplica = trigger.place.at("metadata", "targetValue").number;
        // A formula has a target of its own, and `Value` one for all replicas together.
        if (perReplica === undefined || perReplica <= 0 || scaler.formula !== undefined) continue;
        if (trigger.place.at("metricType").text === "Value") continue;
        const ratio = releaseConcurrency / perReplica;
        if (ratio <= farFactor && ratio >= 1 / farFactor) continue;
        const what = `${name} gets ${releaseConcurrency} requests at once when it has started; ${title(scaler.manifest)} expects ${perReplica} per replica`;
        yield fault(trigger.place.at("metadata", "targetValue"), what);
      }
    }
  },
};
