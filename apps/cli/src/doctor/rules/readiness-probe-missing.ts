import { title, wokenWorkloads } from "@kong-serverless/manifests";

import { fault, type Rule } from "../rule.ts";

export const readinessProbeMissing: Rule = {
  code: "READINESS_PROBE_MISSING",
  topic: "numbers",
  severity: "warning",
  why: "The Service sends requests to a pod that has only just started, for instance the second one under load.",
  fix: "Add a readinessProbe on the path that the plugin's `health` names.",
  *check(system) {
    for (const { manifest, containers } of wokenWorkloads(system)) {
      const probe = containers[0]?.place.at("readinessProbe");
      if (probe?.exists) continue;
      yield fault(probe ?? manifest.root, `${title(manifest)} has no readiness probe`);
    }
  },
};
