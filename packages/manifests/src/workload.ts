import { type Container, readContainer } from "./container.ts";
import type { Manifest, Manifests } from "./manifests.ts";
import type { Place } from "./place.ts";

/** What makes pods from a template: a Deployment, a StatefulSet, or a custom resource that a ScaledObject scales. */
export interface Workload {
  readonly manifest: Manifest;
  readonly labels: ReadonlyMap<string, string>;
  readonly annotations: ReadonlyMap<string, string>;
  /** `spec.template` */
  readonly template: Place;
  readonly containers: readonly Container[];
}

const workloadKinds: ReadonlySet<string> = new Set(["Deployment", "StatefulSet"]);

export function readWorkloads(manifests: Manifests): Workload[] {
  const scaled = new Set(
    manifests.of("ScaledObject").map((scaledObject) => {
      const { kind, name } = scaleTargetRef(scaledObject);
      return identityOf({ kind, name, namespace: scaledObject.namespace });
    }),
  );
  return manifests.all
    .filter(
      (manifest) =>
        workloadKinds.has(manifest.kind) ||
        (scaled.has(identityOf(manifest)) && manifest.root.at("spec", "template", "spec").exists),
    )
    .map((manifest) => readWorkload(manifest, manifests));
}

/** What a ScaledObject says that it scales, with KEDA's defaults. */
export function scaleTargetRef({ root }: Manifest): {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
} {
  const reference = root.at("spec", "scaleTargetRef");
  return {
    apiVersion: reference.at("apiVersion").text ?? "apps/v1",
    kind: reference.at("kind").text ?? "Deployment",
    name: reference.at("name").text ?? "",
  };
}

/** Whether the Service's selector takes the workload's pods. */
export function selects(service: Manifest, { manifest, labels }: Workload): boolean {
  const selector = service.root.at("spec", "selector").texts;
  const isSelected = [...selector].every(([key, value]) => labels.get(key) === value);
  return selector.size > 0 && service.namespace === manifest.namespace && isSelected;
}

function readWorkload(manifest: Manifest, manifests: Manifests): Workload {
  const template = manifest.root.at("spec", "template");
  const spec = template.at("spec");
  return {
    manifest,
    template,
    labels: template.at("metadata", "labels").texts,
    annotations: template.at("metadata", "annotations").texts,
    // Native sidecars are init containers.
    containers: [...spec.at("containers").items, ...spec.at("initContainers").items].map((place) =>
      readContainer(place, manifest.namespace, manifests),
    ),
  };
}

function identityOf({ kind, namespace, name }: Pick<Manifest, "kind" | "namespace" | "name">): string {
  return `${kind}/${namespace}/${name}`;
}
