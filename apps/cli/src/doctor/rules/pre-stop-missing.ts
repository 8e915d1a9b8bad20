import { title, wokenWorkloads } from "@kong-serverless/manifests";

import { fault, type Rule } from "../rule.ts";

export const preStopMissing: Rule = {
  code: "PRE_STOP_MISSING",
  topic: "numbers",
  severity: "warning",
  why: "A request that arrives just as KEDA scales to zero reaches a process that no longer listens.",
  fix: "Add lifecycle.preStop.sleep.seconds: 5.",
  *check(system) {
    for (const { manifest, containers } of wokenWorkloads(system)) {
      const preStop = containers[0]?.place.at("lifecycle", "preStop");
      const pause = preStop?.at("sleep", "seconds").number;
      // How long a command or a request takes is not known.
      if (preStop === undefined || pause !== undefined ? (pause ?? 0) > 0 : preStop.exists) continue;
      yield fault(preStop ?? manifest.root, `${title(manifest)} stops listening at once`);
    }
  },
};
