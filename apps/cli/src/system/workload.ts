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

interface EnvironmentVariable {
  readonly name: string;
  readonly place: Place;
  /** Undefined where only the cluster knows it, as with a pod's address or a Secret. */
  readonly value: string | undefined;
}

const workloadKinds = ["Deployment", "StatefulSet"] as const;

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
  const reference = referenceOf(place);
  if (reference === undefined) return { name, place, value: place.at("value").text };
  const source = manifests.find(reference.kind, namespace, reference.place.at("name").text ?? "");
  return { name, place, value: source && valueIn(source, reference.place.at("key").text ?? "") };
}

/** The ConfigMap or Secret that a variable is read from. */
export function referenceOf(
  variable: Place,
): { readonly kind: "ConfigMap" | "Secret"; readonly place: Place } | undefined {
  const from = variable.at("valueFrom");
  if (from.at("configMapKeyRef").exists) return { kind: "ConfigMap", place: from.at("configMapKeyRef") };
  if (from.at("secretKeyRef").exists) return { kind: "Secret", place: from.at("secretKeyRef") };
  return undefined;
}

/** The text under a key of a ConfigMap or Secret. */
export function valueIn({ kind, root }: Manifest, key: string): string | undefined {
  const plain = root.at("stringData", key).text;
  if (plain !== undefined) return plain;
  const { text } = root.at("data", key);
  return kind === "Secret" && text !== undefined ? Buffer.from(text, "base64").toString() : text;
}

/** Whether the Service's selector takes the workload's pods. */
export function selects(service: Manifest, { manifest, labels }: Workload): boolean {
  const selector = service.root.at("spec", "selector").texts;
  const isSelected = [...selector].every(([key, value]) => labels.get(key) === value);
  return selector.size > 0 && service.namespace === manifest.namespace && isSelected;
}
