import { title } from "@kong-serverless/manifests";

import { fault, type Rule } from "../rule.ts";

const delay = "dapr.io/sidecar-readiness-probe-delay-seconds";

export const sidecarDelaysColdStart: Rule = {
  code: "SIDECAR_DELAYS_COLD_START",
  topic: "numbers",
  severity: "warning",
  why: "The Dapr sidecar's own readiness probe delays its pod's readiness, and so every cold start.",
  fix: 'Annotate the pod template with dapr.io/sidecar-readiness-probe-delay-seconds: "0".',
  *check({ scalers }) {
    for (const { target } of scalers) {
      const isSlow =
        target?.annotations.get("dapr.io/enabled") === "true" && target.annotations.get(delay) !== "0";
      if (target === undefined || !isSlow) continue;
      yield fault(
        target.template.at("metadata", "annotations", delay),
        `${title(target.manifest)} has a Dapr sidecar that is first probed for readiness after ${target.annotations.get(delay) ?? "3"} s`,
      );
    }
  },
};
