import { scaleTargetRef, title } from "@kong-serverless/manifests";

import { fault, notLookedAt, type Rule } from "../rule.ts";

export const scaleTargetNotFound: Rule = {
  code: "SCALE_TARGET_NOT_FOUND",
  topic: "names",
  severity: "error",
  why: "KEDA scales nothing: a ScaledObject only reaches workloads in its own namespace.",
  fix: "Make spec.scaleTargetRef.name and the namespace match those of the workload.",
  *check({ scalers, workloads, manifests }) {
    for (const { manifest, scaled } of scalers) {
      if (scaled !== undefined) continue;
      const { kind, name } = scaleTargetRef(manifest);
      // A custom resource is often created by its own operator; a workload may be applied from elsewhere.
      const isElsewhere =
        (kind !== "Deployment" && kind !== "StatefulSet") ||
        !workloads.some(
          (workload) => workload.manifest.namespace === manifest.namespace || workload.manifest.name === name,
        );
      if (isElsewhere && name !== "" && !manifests.isComplete) {
        yield notLookedAt(
          `${kind} ${manifest.namespace}/${name}, which ${title(manifest)} scales: it is not among the manifests`,
        );
        continue;
      }
      const place = manifest.root.at("spec", "scaleTargetRef", "name");
      yield fault(
        place,
        `${title(manifest)} scales ${place.text ?? "nothing"}, which namespace ${manifest.namespace} does not have`,
      );
    }
  },
};
