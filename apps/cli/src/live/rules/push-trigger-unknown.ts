import { title } from "@kong-serverless/manifests";

import { fault, type Rule } from "../../doctor/rule.ts";
import type { LiveSystem } from "../live-system.ts";

export const pushTriggerUnknown: Rule<LiveSystem> = {
  code: "PUSH_TRIGGER_UNKNOWN",
  topic: "live",
  severity: "warning",
  why: "KEDA could not reach the trigger's scaler when it reconciled the ScaledObject, and drops what is pushed: wakes wait for a poll.",
  fix: "Check that KEDA can reach scalerAddress, then restart its operator: docs/operations.md, Wakes are not instant.",
  *check({ scalers }) {
    for (const { manifest } of scalers) {
      const names = manifest.root.at("status", "externalMetricNames");
      const known = names.items.map(({ text = "" }) => text);
      for (const [index, trigger] of manifest.root.at("spec", "triggers").items.entries()) {
        if (trigger.at("type").text !== "external-push") continue;
        if (known.some((name) => name.startsWith(`s${index}-`))) continue;
        yield fault(names, `${title(manifest)}: KEDA has no metric of trigger ${index}, external-push`);
      }
    }
  },
};
