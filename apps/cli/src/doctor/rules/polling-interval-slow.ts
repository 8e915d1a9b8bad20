import { scalersOf, title } from "@kong-serverless/manifests";

import { fault, type Rule } from "../rule.ts";

const slowSeconds = 5;

export const pollingIntervalSlow: Rule = {
  code: "POLLING_INTERVAL_SLOW",
  topic: "numbers",
  severity: "warning",
  why: "Every cold start waits up to this long for the scaler's next poll. KEDA's default is 30 seconds.",
  fix: "Set pollingInterval to 1.",
  *check(system) {
    const waking = new Set(system.backends.flatMap((backend) => [...scalersOf(system, backend)]));
    for (const scaler of system.scalers) {
      const { manifest, pollingSeconds } = scaler;
      if (pollingSeconds <= slowSeconds || !waking.has(scaler)) continue;
      yield fault(
        manifest.root.at("spec", "pollingInterval"),
        `${title(manifest)} polls every ${pollingSeconds} s`,
      );
    }
  },
};
