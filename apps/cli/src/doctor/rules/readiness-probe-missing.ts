import { title, wokenWorkloads } from "@kong-serverless/manifests";

import { fault, type Rule } from "../rule.ts";

export const readinessProbeMissing: Rule = {
  code: "READINESS_PROBE_MISSING",
  topic: "numbers",
  severity: "warning",
  why: "The Service sends requests to a pod as soon as it starts, such as the second replica under load.",
  fix: "Add a readinessProbe with the path in the plugin's `health`.",
  *check(system) {
    for (const { manifest, containers } of wokenWorkloads(system)) {
      const probe = containers[0]?.place.at("readinessProbe");
      if (probe?.exists) continue;
      yield fault(probe ?? manifest.root, `${title(manifest)} has no readiness probe`);
    }
  },
};
