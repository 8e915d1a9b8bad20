import { fault, type Rule } from "../rule.ts";
import { warmths } from "../warmth.ts";

export const leaseTooLong: Rule = {
  code: "LEASE_TOO_LONG",
  topic: "numbers",
  severity: "error",
  why: "The gateway still considers the backend ready after the scaler has stopped it: requests fail instead of being held.",
  fix: "Keep readyLeaseMs + keepWarmIntervalMs + pollingInterval below retention + cooldownPeriod.",
  *check(system) {
    for (const { backend, keepWarmMs, pollingMs, retentionMs, cooldownMs, given } of warmths(system)) {
      const { readyLeaseMs } = backend.settings;
      const isShort = readyLeaseMs + keepWarmMs + pollingMs < retentionMs + cooldownMs;
      if (keepWarmMs === 0 || isShort) continue;
      const what = `${given}, lease ${readyLeaseMs} ms, cooldown ${cooldownMs} ms`;
      yield fault(backend.config.at("readyLeaseMs"), what);
    }
  },
};
