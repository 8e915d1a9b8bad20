import { title } from "@kong-serverless/manifests";

import { fault, type Rule } from "../../doctor/rule.ts";
import { condition } from "../conditions.ts";
import type { LiveSystem } from "../live-system.ts";

export const scaledObjectNotReady: Rule<LiveSystem> = {
  code: "SCALED_OBJECT_NOT_READY",
  topic: "live",
  severity: "error",
  why: "KEDA does not scale the workload.",
  fix: "The condition's message says what is missing; the log of KEDA's operator says more.",
  *check({ scalers }) {
    for (const { manifest } of scalers) {
      const ready = condition(manifest, "Ready");
      if (ready?.at("status").text === "True") continue;
      const why = ready?.at("message").text ?? "KEDA has not looked at it";
      yield fault(ready ?? manifest.root.at("status", "conditions"), `${title(manifest)}: ${why}`);
    }
  },
};
