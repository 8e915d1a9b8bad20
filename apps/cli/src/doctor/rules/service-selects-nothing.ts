import { title, workloadsOf } from "@kong-serverless/manifests";

import { fault, type Rule } from "../rule.ts";

export const serviceSelectsNothing: Rule = {
  code: "SERVICE_SELECTS_NOTHING",
  topic: "names",
  severity: "error",
  why: "The Service never has an endpoint, no matter how many pods run: no probe succeeds.",
  fix: "Make the Service's selector match the labels in the pod template.",
  *check(system) {
    const { manifests, workloads } = system;
    for (const service of manifests.of("Service")) {
      const selector = service.root.at("spec", "selector");
      // A namespace without workloads here, such as the gateway's, gets them from a chart.
      const hasNeighbours = workloads.some(({ manifest }) => manifest.namespace === service.namespace);
      if (!hasNeighbours || !selector.exists || selector.entries.length === 0) continue;
      if (workloadsOf(system, service).length > 0) continue;
      yield fault(selector, `${title(service)} does not select the pods of any workload`);
    }
  },
};
