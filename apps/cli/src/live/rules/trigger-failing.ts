import { title } from "@kong-serverless/manifests";

import { fault, type Rule } from "../../doctor/rule.ts";
import type { LiveSystem } from "../live-system.ts";

export const triggerFailing: Rule<LiveSystem> = {
  code: "TRIGGER_FAILING",
  topic: "live",
  severity: "error",
  why: "KEDA cannot read the trigger: it neither wakes the workload nor lets it go to zero.",
  fix: "Check that the queue exists, that KEDA may read it, and that no NetworkPolicy keeps KEDA from the gateway.",
  *check({ scalers }) {
    for (const { manifest } of scalers) {
      for (const [trigger, health] of manifest.root.at("status", "health").entries) {
        if (health.at("status").text !== "Failing") continue;
        const failures = health.at("numberOfFailures").number ?? 0;
        yield fault(health, `${title(manifest)}: trigger ${trigger} has failed ${failures} times`);
      }
    }
  },
};
