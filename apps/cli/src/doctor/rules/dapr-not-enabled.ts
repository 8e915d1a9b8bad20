import { title } from "@kong-serverless/manifests";

import { fault, type Rule } from "../rule.ts";

export const daprNotEnabled: Rule = {
  code: "DAPR_NOT_ENABLED",
  topic: "names",
  severity: "error",
  why: "Without its sidecar the app cannot publish: every job is refused with SIDECAR_UNAVAILABLE.",
  fix: 'Annotate the pod template with dapr.io/enabled: "true" and a dapr.io/app-id.',
  *check({ apps }) {
    for (const { workload, settings } of apps.demoBackends) {
      // It is configured not to look for one, so it gets no jobs.
      if (settings?.SIDECAR_WAIT_SECONDS === 0) continue;
      const annotations = workload.template.at("metadata", "annotations");
      if (annotations.at("dapr.io/enabled").text === "true") continue;
      yield fault(annotations, `${title(workload.manifest)} publishes but has no Dapr sidecar`);
    }
  },
};
