import type { Manifest, Manifests } from "./manifests.ts";

interface Crossing {
  readonly from: Manifest;
  readonly to: {
    readonly group: string;
    readonly kind: string;
    readonly namespace: string;
    readonly name: string;
  };
}

/** Whether the namespace of what is named lets the other one name it: https://gateway-api.sigs.k8s.io/api-types/referencegrant/ */
export function isReferenceGranted(manifests: Manifests, { from, to }: Crossing): boolean {
  const group = from.apiVersion.includes("/") ? from.apiVersion.replace(/\/.*$/, "") : "";
  return manifests
    .of("ReferenceGrant")
    .filter(({ namespace }) => namespace === to.namespace)
    .some(({ root }) => {
      const isFrom = root
        .at("spec", "from")
        .items.some(
          (entry) =>
            (entry.at("group").text ?? "") === group &&
            entry.at("kind").text === from.kind &&
            entry.at("namespace").text === from.namespace,
        );
      const isTo = root
        .at("spec", "to")
        .items.some(
          (entry) =>
            (entry.at("group").text ?? "") === to.group &&
            entry.at("kind").text === to.kind &&
            (entry.at("name").text ?? to.name) === to.name,
        );
      return isFrom && isTo;
    });
}
