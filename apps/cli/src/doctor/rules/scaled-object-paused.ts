import { title } from "@kong-serverless/manifests";

import { fault, type Rule } from "../rule.ts";

export const scaledObjectPaused: Rule = {
  code: "SCALED_OBJECT_PAUSED",
  topic: "names",
  severity: "warning",
  why: "KEDA leaves the replicas alone until the annotation is removed: the workload never wakes, or never sleeps.",
  fix: "Remove the autoscaling.keda.sh/paused annotations.",
  *check({ scalers }) {
    for (const { manifest, paused } of scalers) {
      if (paused !== undefined) yield fault(paused, `${title(manifest)} is paused`);
    }
  },
};
