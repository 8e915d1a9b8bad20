import { title } from "@kong-serverless/manifests";

import { fault, type Rule } from "../../doctor/rule.ts";
import type { LiveSystem } from "../live-system.ts";

export const sidecarNotInjected: Rule<LiveSystem> = {
  code: "SIDECAR_NOT_INJECTED",
  topic: "live",
  severity: "error",
  why: "Dapr's injector was not running when the pod was created: what the pod publishes goes nowhere.",
  fix: "Look at the pods of dapr-sidecar-injector, then delete this pod.",
  *check({ manifests }) {
    for (const pod of manifests.of("Pod")) {
      const { root } = pod;
      if (root.at("metadata", "annotations", "dapr.io/enabled").text !== "true") continue;
      const containers = [...root.at("spec", "containers").items, ...root.at("spec", "initContainers").items];
      if (containers.some((container) => container.at("name").text === "daprd")) continue;
      yield fault(root.at("spec", "containers"), `${title(pod)} runs without daprd`);
    }
  },
};
