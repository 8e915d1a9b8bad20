import { title } from "@kong-serverless/manifests";

import { fault, type Rule } from "../rule.ts";

export const selectorMismatch: Rule = {
  code: "SELECTOR_MISMATCH",
  topic: "objects",
  severity: "error",
  why: "The API server refuses a workload whose selector does not match its own pod template.",
  fix: "Make spec.selector.matchLabels match the labels in spec.template.",
  *check({ manifests }) {
    for (const manifest of manifests.of("Deployment", "StatefulSet", "DaemonSet")) {
      const labels = manifest.root.at("spec", "template", "metadata", "labels");
      const selector = manifest.root.at("spec", "selector", "matchLabels");
      const wrong = selector.entries.find(([key, place]) => labels.at(key).value !== place.value);
      if (wrong === undefined || manifests.isComplete) continue;
      const [key, place] = wrong;
      yield fault(
        place,
        `${title(manifest)} selects ${key}: ${place.scalar ?? ""}; its template has ${labels.at(key).scalar ?? "none"}`,
      );
    }
  },
};
