import { title } from "@kong-serverless/manifests";

import { fault, type Rule } from "../rule.ts";

export const pollingIntervalTooShort: Rule = {
  code: "POLLING_INTERVAL_TOO_SHORT",
  topic: "numbers",
  severity: "error",
  why: "KEDA refuses it since 2.20; earlier versions polled in a busy loop.",
  fix: "Set pollingInterval to 1 or more.",
  *check({ scalers }) {
    for (const { manifest, pollingSeconds } of scalers) {
      if (pollingSeconds >= 1) continue;
      yield fault(
        manifest.root.at("spec", "pollingInterval"),
        `${title(manifest)} polls every ${pollingSeconds} s`,
      );
    }
  },
};
