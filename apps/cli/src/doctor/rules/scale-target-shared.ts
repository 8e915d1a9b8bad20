import { type Manifest, title } from "@kong-serverless/manifests";

import { fault, type Rule } from "../rule.ts";

export const scaleTargetShared: Rule = {
  code: "SCALE_TARGET_SHARED",
  topic: "names",
  severity: "error",
  why: "KEDA's webhook refuses a second ScaledObject or HorizontalPodAutoscaler for the same workload; without the webhook, both fight over the replicas.",
  fix: "Put all triggers into one ScaledObject, and remove any other HorizontalPodAutoscaler.",
  *check({ scalers, manifests }) {
    const taken = new Map<Manifest, Manifest>();
    for (const { manifest, scaled } of scalers) {
      if (scaled === undefined) continue;
      const place = manifest.root.at("spec", "scaleTargetRef", "name");
      const other = taken.get(scaled);
      if (other) yield fault(place, `${title(manifest)} and ${title(other)} both scale ${title(scaled)}`);
      taken.set(scaled, manifest);
    }
    for (const autoscaler of manifests.of("HorizontalPodAutoscaler")) {
      const reference = autoscaler.root.at("spec", "scaleTargetRef");
      const scaled = manifests.find(
        reference.at("kind").text ?? "",
        autoscaler.namespace,
        reference.at("name").text ?? "",
      );
      const scaler = scaled && taken.get(scaled);
      const { root } = autoscaler;
      const owners = root.at("metadata", "ownerReferences").items.map((owner) => owner.at("name").text);
      const isLeft = root.at("metadata", "annotations", "validations.keda.sh/hpa-ownership").text === "false";
      if (scaled === undefined || scaler === undefined || owners.includes(scaler.name) || isLeft) continue;
      yield fault(
        reference.at("name"),
        `${title(scaler)} and ${title(autoscaler)} both scale ${title(scaled)}`,
      );
    }
  },
};
