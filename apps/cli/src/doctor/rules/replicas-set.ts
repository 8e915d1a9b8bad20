import { title } from "@kong-serverless/manifests";

import { fault, type Rule } from "../rule.ts";

export const replicasSet: Rule = {
  code: "REPLICAS_SET",
  topic: "numbers",
  severity: "warning",
  why: "KEDA sets the replicas, and every apply resets them, which stops a busy backend or starts a sleeping one.",
  fix: "Leave spec.replicas out.",
  *check({ scalers, manifests }) {
    // In a cluster, KEDA has set them.
    if (manifests.isComplete) return;
    for (const { scaled } of scalers) {
      const replicas = scaled?.root.at("spec", "replicas");
      if (scaled === undefined || !replicas?.exists) continue;
      yield fault(replicas, `${title(scaled)} has replicas: ${String(replicas.value)}`);
    }
  },
};
