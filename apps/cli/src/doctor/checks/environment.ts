import { type Manifest, title } from "../../manifests/manifests.ts";
import type { Place } from "../../manifests/place.ts";
import type { System } from "../../system/system.ts";
import { type Finding, finding } from "../finding.ts";

/** Every ConfigMap that a container reads a variable from exists and has the key. */
export function* referencesExist({ workloads, manifests }: System): Generator<Finding> {
  for (const { manifest, containers } of workloads) {
    for (const { environment, place } of containers) {
      const references: readonly [map: Place, key: Place | undefined][] = [
        ...environment.map(({ place: variable }): [Place, Place] => {
          const reference = variable.at("valueFrom", "configMapKeyRef");
          return [reference, reference.at("key")];
        }),
        ...place
          .at("envFrom")
          .items.map((source): [Place, undefined] => [source.at("configMapRef"), undefined]),
      ];
      for (const [reference, key] of references) {
        const fault = faultOf(manifest, reference, key);
        if (fault) yield fault;
      }
    }
  }

  function faultOf(user: Manifest, reference: Place, key: Place | undefined): Finding | undefined {
    if (!reference.exists || reference.at("optional").value === true) return undefined;
    const { text: name = "" } = reference.at("name");
    const map = manifests.find("ConfigMap", user.namespace, name);
    if (map === undefined) {
      const what = `${title(user)} reads ConfigMap ${name}, which namespace ${user.namespace} does not have`;
      return finding("REFERENCE_NOT_FOUND", reference.at("name"), what);
    }
    if (key === undefined || map.root.at("data", key.text ?? "").exists) return undefined;
    const what = `${title(user)} reads the key ${key.text ?? ""} of ${title(map)}, which does not have it`;
    return finding("REFERENCE_NOT_FOUND", key, what);
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
