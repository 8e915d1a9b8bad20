import {
  type Container,
  envFromReference,
  type Manifests,
  type Place,
  referenceOf,
  title,
  valueIn,
} from "@kong-serverless/manifests";

import { fault, notLookedAt, type Rule } from "../rule.ts";

/** Kubernetes makes it in every namespace. */
const madeByKubernetes = "kube-root-ca.crt";

export const referenceNotFound: Rule = {
  code: "REFERENCE_NOT_FOUND",
  topic: "names",
  severity: "error",
  why: "The container does not start: CreateContainerConfigError.",
  fix: "Name a ConfigMap or Secret in the same namespace and one of its keys, or mark the reference optional.",
  *check({ workloads, manifests }) {
    for (const { manifest: user, containers } of workloads) {
      for (const { kind, place, key } of containers.flatMap(references)) {
        const { text: name = "" } = place.at("name");
        if (place.at("optional").value === true || name === madeByKubernetes) continue;
        const source = manifests.find(kind, user.namespace, name);
        if (source === undefined) {
          // Secrets are kept out of Git, so they may come from elsewhere. Other rules report those that single variables name.
          const isElsewhere =
            kind === "Secret" || isFromElsewhere(manifests, { namespace: user.namespace, name });
          if (isElsewhere && (kind === "ConfigMap" || key === undefined) && !manifests.isComplete) {
            yield notLookedAt(
              `the variables of ${title(user)} from ${kind} ${name}: it is not among the manifests`,
            );
          }
          if (kind === "Secret" || (isElsewhere && !manifests.isComplete)) continue;
          const what = `${title(user)} reads ConfigMap ${name}, which namespace ${user.namespace} does not have`;
          yield fault(place.at("name"), what);
        } else if (key !== undefined && valueIn(source, key) === undefined) {
          const what = `${title(user)} reads the key ${key} of ${title(source)}, which does not have it`;
          yield fault(place.at("key"), what);
        }
      }
    }
  },
};

/** Whether no ConfigMap here is in that namespace or has that name: it is then applied from elsewhere. */
function isFromElsewhere(
  manifests: Manifests,
  { namespace, name }: { readonly namespace: string; readonly name: string },
): boolean {
  return !manifests.of("ConfigMap").some((map) => map.namespace === namespace || map.name === name);
}

interface KeyReference {
  readonly kind: "ConfigMap" | "Secret";
  readonly place: Place;
  /** Undefined where all keys are read. */
  readonly key: string | undefined;
}

function references({ place }: Container): KeyReference[] {
  const single = place.at("env").items.flatMap((variable) => {
    const reference = referenceOf(variable);
    return reference ? [{ ...reference, key: reference.place.at("key").text ?? "" }] : [];
  });
  const whole = place.at("envFrom").items.flatMap((source) => {
    const reference = envFromReference(source);
    return reference ? [{ ...reference, key: undefined }] : [];
  });
  return [...single, ...whole];
}
