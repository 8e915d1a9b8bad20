import { fault, type Rule } from "../../doctor/rule.ts";
import type { LiveSystem } from "../live-system.ts";

export const crdMissing: Rule<LiveSystem> = {
  code: "CRD_MISSING",
  topic: "live",
  severity: "error",
  why: "The API server does not know the kind: applying it fails, and no operator acts on it.",
  fix: "Install the platform: KEDA, Dapr and the Kong Ingress Controller (deploy/platform).",
  *check({ missingKinds }) {
    for (const { kind, broughtBy, servedVersions, where } of missingKinds) {
      if (servedVersions.length > 0) continue;
      yield fault(where, `The API server does not know ${kind}, which ${broughtBy} installs`);
    }
  },
};
