import { type Manifest, type Manifests } from "../manifests/manifests.ts";
import type { Place } from "../manifests/place.ts";

/** A Deployment or StatefulSet. */
export interface Workload {
  readonly manifest: Manifest;
  readonly labels: ReadonlyMap<string, string>;
  readonly annotations: ReadonlyMap<string, string>;
  /** `spec.template` */
  readonly template: Place;
  readonly containers: readonly Container[];
}

export interface Container {
  readonly place: Place;
  /** The last part of its image's name without tag or digest, whatever registry it comes from: `consumer`. */
  readonly app: string;
  readonly environment: readonly EnvironmentVariable[];
}

export interface EnvironmentVariable {
  readonly name: string;
  readonly place: Place;
  /** Undefined where only the cluster knows it, as with a pod's address or a Secret. */
  readonly value: string | undefined;
}

export const workloadKinds = ["Deployment", "StatefulSet"] as const;

export function readWorkloads(manifests: Manifests): Workload[] {
  return manifests.of(...workloadKinds).map((manifest) => {
    const template = manifest.root.at("spec", "template");
    const spec = template.at("spec");
    return {
      manifest,
      template,
      labels: template.at("metadata", "labels").texts,
      annotations: template.at("metadata", "annotations").texts,
      // Native sidecars are init containers.
      containers: [...spec.at("containers").items, ...spec.at("initContainers").items].map((place) => ({
        place,
        app: appOf(place.at("image").text ?? ""),
        environment: place
          .at("env")
          .items.map((variable) => readVariable(variable, manifest.namespace, manifests)),
      })),
    };
  });
}

function appOf(image: string): string {
  return image.replace(/@.*$/, "").replace(/^.*\//, "").replace(/:.*$/, "");
}

function readVariable(place: Place, namespace: string, manifests: Manifests): EnvironmentVariable {
  const name = place.at("name").text ?? "";
  const reference = place.at("valueFrom", "configMapKeyRef");
  if (!reference.exists) return { name, place, value: place.at("value").text };
  const map = manifests.find("ConfigMap", namespace, reference.at("name").text ?? "");
  return { name, place, value: map?.root.at("data", reference.at("key").text ?? "").text };
}

/** Whether the Service's selector takes the workload's pods. */
export function selects(service: Manifest, { manifest, labels }: Workload): boolean {
  const selector = service.root.at("spec", "selector").texts;
  const isSelected = [...selector].every(([key, value]) => labels.get(key) === value);
  return selector.size > 0 && service.namespace === manifest.namespace && isSelected;
}
