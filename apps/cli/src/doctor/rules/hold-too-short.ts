import { scalersOf, title } from "@kong-serverless/manifests";

import { holdPlace } from "../hold-place.ts";
import { fault, type Rule } from "../rule.ts";

export const holdTooShort: Rule = {
  code: "HOLD_TOO_SHORT",
  topic: "numbers",
  severity: "warning",
  why: "The hold ends before the scaler has polled and the first readiness probe can succeed: every cold start is answered 503.",
  fix: "Raise holdTimeoutMs, or lower pollingInterval, the readiness probe's delay or the start-up time.",
  *check(system) {
    for (const backend of system.backends) {
      const { holdTimeoutMs, name, health } = backend.settings;
      if (health === undefined) continue;
      for (const { manifest, pollingSeconds, target } of scalersOf(system, backend)) {
        const [main] = target?.containers ?? [];
        const probe = main?.place.at("readinessProbe");
        const start = main?.environment.find((variable) => variable.name === "STARTUP_DELAY_MS");
        const startMs = Number(start?.value ?? 0) || 0;
        const delayMs = (probe?.at("initialDelaySeconds").number ?? 0) * 1000;
        const leastMs = pollingSeconds * 1000 + Math.max(startMs, delayMs);
        if (holdTimeoutMs > leastMs) continue;
        const what = `Backend ${name} holds for ${holdTimeoutMs} ms; ${title(manifest)} and its workload's start take up to ${leastMs} ms`;
        yield fault(holdPlace(backend), what);
      }
    }
  },
};
