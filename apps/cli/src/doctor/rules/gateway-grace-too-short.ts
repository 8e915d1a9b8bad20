import { holdPlace } from "../hold-place.ts";
import { fault, type Rule } from "../rule.ts";

export const gatewayGraceTooShort: Rule = {
  code: "GATEWAY_GRACE_TOO_SHORT",
  topic: "numbers",
  severity: "warning",
  why: "When a gateway pod is replaced, it is killed while requests are still held: their clients see a broken connection.",
  fix: "Raise terminationGracePeriodSeconds in the gateway's chart values above the longest hold, and let Kong's preStop wait as long (kong quit --timeout).",
  *check({ gateway: { graceSeconds }, backends }) {
    if (graceSeconds === undefined) return;
    for (const backend of backends) {
      const { holdTimeoutMs, name, health } = backend.settings;
      if (health === undefined || holdTimeoutMs < graceSeconds * 1000) continue;
      const what = `Backend ${name} holds for ${holdTimeoutMs} ms; a gateway pod has ${graceSeconds} s to stop`;
      yield fault(holdPlace(backend), what);
    }
  },
};
