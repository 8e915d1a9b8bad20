import { title, workloadsOf } from "@kong-serverless/manifests";

import { fault, type Rule } from "../rule.ts";

export const serviceSelectsNothing: Rule = {
  code: "SERVICE_SELECTS_NOTHING",
  topic: "names",
  severity: "error",
  why: "The Service never has an endpoint, however many pods run: no probe succeeds.",
  fix: "Make the Service's selector agree with the labels of the pod template.",
  *check(system) {
    const { manifests, workloads } = system;
    for (const service of manifests.of("Service")) {
      const selector = service.root.at("spec", "selector");
      // A namespace without workloads, such as the gateway's, is filled by a chart.
      const hasNeighbours = workloads.some(({ manifest }) => manifest.namespace === service.namespace);
      if (!hasNeighbours || !selector.exists || selector.entries.length === 0) continue;
      if (workloadsOf(system, service).length > 0) continue;
      yield fault(selector, `${title(service)} selects the pods of no workload`);
    }
  },
};
