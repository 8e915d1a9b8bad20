import type { Manifest, Manifests } from "./manifests.ts";
import type { Place } from "./place.ts";
import { isReferenceGranted } from "./reference-grant.ts";

/** Where a route or Service names a plugin. */
export interface PluginReference {
  readonly user: Manifest;
  readonly place: Place;
  readonly namespace: string;
  readonly name: string;
  /** Whether the namespace is written, as `namespace:name`. */
  readonly isQualified: boolean;
  /** The rule of an HTTPRoute that it is for; undefined: all of them. */
  readonly rule?: number;
}

/** The plugins that an object names: by the ingress controller's annotation, and by filters of an HTTPRoute's rules. */
export function pluginReferences(user: Manifest): PluginReference[] {
  const { root, kind } = user;
  const annotation = root.at("metadata", "annotations", "konghq.com/plugins");
  const named = (annotation.text ?? "")
    .split(",")
    .map((name) => name.trim())
    .filter((name) => name !== "")
    .map((written): PluginReference => {
      const [first = "", second] = written.split(":").map((part) => part.trim());
      return second === undefined
        ? { user, place: annotation, namespace: user.namespace, name: first, isQualified: false }
        : { user, place: annotation, namespace: first, name: second, isQualified: true };
    });
  if (kind !== "HTTPRoute" && kind !== "GRPCRoute") return named;
  const filters = root.at("spec", "rules").items.flatMap((place, rule) =>
    place
      .at("filters")
      .items.filter((filter) => filter.at("extensionRef", "kind").text === "KongPlugin")
      .map((filter): PluginReference => {
        const name = filter.at("extensionRef", "name");
        return {
          user,
          place: name,
          namespace: user.namespace,
          name: name.text ?? "",
          isQualified: false,
          rule,
        };
      }),
  );
  return [...named, ...filters];
}

/** Plugins that run on every request: KongClusterPlugins with the label `global`. */
export function globalPlugins(manifests: Manifests): Manifest[] {
  return manifests
    .of("KongClusterPlugin")
    .filter(({ root }) => root.at("metadata", "labels", "global").text === "true");
}

interface ResolvedPlugin {
  readonly plugin: Manifest | undefined;
  /** Whether the plugin's namespace lets others use it, as it must where it is another one. */
  readonly isGranted: boolean;
}

/** A KongPlugin of the namespace; where none is written and it has none, a KongClusterPlugin. */
export function resolvePlugin(manifests: Manifests, reference: PluginReference): ResolvedPlugin {
  const { user, namespace, name, isQualified } = reference;
  const plugin =
    manifests.find("KongPlugin", namespace, name) ??
    (isQualified
      ? undefined
      : manifests.of("KongClusterPlugin").find((candidate) => candidate.name === name));
  const isGranted =
    namespace === user.namespace ||
    isReferenceGranted(manifests, {
      from: user,
      to: { group: "configuration.konghq.com", kind: "KongPlugin", namespace, name },
    });
  return { plugin, isGranted };
}
