import { title } from "../../manifests/manifests.ts";
import type { Place } from "../../manifests/place.ts";
import type { System } from "../../system/system.ts";
import { type Container, referenceOf, valueIn } from "../../system/workload.ts";
import { type Finding, finding } from "../finding.ts";

/** Every ConfigMap that a container reads a variable from exists, and it and the Secrets that are known have the key. */
export function* referencesExist({ workloads, manifests }: System): Generator<Finding> {
  for (const { manifest: user, containers } of workloads) {
    for (const { kind, place, key } of containers.flatMap(references)) {
      if (place.at("optional").value === true) continue;
      const { text: name = "" } = place.at("name");
      const source = manifests.find(kind, user.namespace, name);
      if (source === undefined) {
        // Secrets are kept out of Git, so they may come from elsewhere.
        if (kind === "Secret") continue;
        const what = `${title(user)} reads ConfigMap ${name}, which namespace ${user.namespace} does not have`;
        yield finding("REFERENCE_NOT_FOUND", place.at("name"), what);
      } else if (key !== undefined && valueIn(source, key) === undefined) {
        const what = `${title(user)} reads the key ${key} of ${title(source)}, which does not have it`;
        yield finding("REFERENCE_NOT_FOUND", place.at("key"), what);
      }
    }
  }
}

/** The apps of this project accept their environment. */
export function* environmentsAreValid({ apps }: System): Generator<Finding> {
  for (const { workload, issues } of [...apps.consumers, ...apps.demoBackends]) {
    for (const { place, message } of issues) {
      yield finding("ENVIRONMENT_INVALID", place, `${title(workload.manifest)}: ${message}`);
    }
  }
}

interface Reference {
  readonly kind: "ConfigMap" | "Secret";
  readonly place: Place;
  /** Undefined where all keys are read. */
  readonly key: string | undefined;
}

function references({ place, environment }: Container): Reference[] {
  const single = environment.flatMap(({ place: variable }) => {
    const reference = referenceOf(variable);
    return reference ? [{ ...reference, key: reference.place.at("key").text ?? "" }] : [];
  });
  const whole = place.at("envFrom").items.flatMap((source) => {
    const map = source.at("configMapRef");
    return map.exists ? [{ kind: "ConfigMap" as const, place: map, key: undefined }] : [];
  });
  return [...single, ...whole];
}
