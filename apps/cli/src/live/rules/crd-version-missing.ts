import { fault, type Rule } from "../../doctor/rule.ts";
import type { LiveSystem } from "../live-system.ts";

export const crdVersionMissing: Rule<LiveSystem> = {
  code: "CRD_VERSION_MISSING",
  topic: "live",
  severity: "error",
  why: "The manifests are written for a version of the kind that this cluster does not serve.",
  fix: "Upgrade the operator that installs the kind.",
  *check({ missingKinds }) {
    for (const { kind, groupVersion, servedVersions, where } of missingKinds) {
      if (servedVersions.length === 0) continue;
      yield fault(where, `${kind} is served as ${servedVersions.join(", ")}, not as ${groupVersion}`);
    }
  },
};
