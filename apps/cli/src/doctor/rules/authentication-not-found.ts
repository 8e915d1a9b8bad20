import { title } from "@kong-serverless/manifests";

import { fault, notLookedAt, type Rule } from "../rule.ts";

export const authenticationNotFound: Rule = {
  code: "AUTHENTICATION_NOT_FOUND",
  topic: "names",
  severity: "error",
  why: "KEDA cannot log in to the queue, and the ScaledObject is not ready.",
  fix: "Name a TriggerAuthentication in the ScaledObject's namespace.",
  *check({ scalers, manifests }) {
    for (const { manifest } of scalers) {
      for (const trigger of manifest.root.at("spec", "triggers").items) {
        const reference = trigger.at("authenticationRef");
        const { text: name } = reference.at("name");
        if (name === undefined) continue;
        if (reference.at("kind").text === "ClusterTriggerAuthentication") {
          if (manifests.of("ClusterTriggerAuthentication").some((candidate) => candidate.name === name))
            continue;
          // A cluster-wide one belongs to the platform.
          yield notLookedAt(
            `the ClusterTriggerAuthentication ${name}, which ${title(manifest)} logs in with: it is not among the manifests`,
          );
        } else if (!manifests.find("TriggerAuthentication", manifest.namespace, name)) {
          const isElsewhere = !manifests
            .of("TriggerAuthentication")
            .some((other) => other.namespace === manifest.namespace || other.name === name);
          if (isElsewhere && !manifests.isComplete) {
            yield notLookedAt(
              `the TriggerAuthentication ${name}, which ${title(manifest)} logs in with: it is not among the manifests`,
            );
            continue;
          }
          const what = `${title(manifest)} logs in with ${name}, which namespace ${manifest.namespace} does not have`;
          yield fault(reference.at("name"), what);
        }
      }
    }
  },
};
