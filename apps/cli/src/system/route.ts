import type { Manifest, Manifests } from "../manifests/manifests.ts";
import type { Place } from "../manifests/place.ts";

/** A path of an Ingress. */
export interface Route {
  readonly ingress: Manifest;
  readonly path: string;
  /** `backend.service` */
  readonly place: Place;
  readonly service: Manifest | undefined;
}

const annotation = ["metadata", "annotations", "konghq.com/plugins"] as const;

export function readRoutes(manifests: Manifests): Route[] {
  return manifests.of("Ingress").flatMap((ingress) =>
    ingress.root
      .at("spec", "rules")
      .items.flatMap((rule) => rule.at("http", "paths").items)
      .map((path) => {
        const place = path.at("backend", "service");
        return {
          ingress,
          path: path.at("path").text ?? "/",
          place,
          service: manifests.find("Service", ingress.namespace, place.at("name").text ?? ""),
        };
      }),
  );
}

/** The annotation by which an Ingress or a Service names its plugins. */
export function pluginAnnotation({ root }: Manifest): Place {
  return root.at(...annotation);
}

/** The plugins that the Ingress or Service names. */
export function pluginNames(manifest: Manifest): string[] {
  const names = pluginAnnotation(manifest).text?.split(",") ?? [];
  return names.map((name) => name.trim()).filter((name) => name !== "");
}
