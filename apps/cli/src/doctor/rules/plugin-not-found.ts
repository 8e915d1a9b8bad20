import { pluginKinds, pluginReferences, resolvePlugin, title } from "@kong-serverless/manifests";

import { nearest } from "../distance.ts";
import { fault, notLookedAt, type Rule } from "../rule.ts";

export const pluginNotFound: Rule = {
  code: "PLUGIN_NOT_FOUND",
  topic: "names",
  severity: "error",
  why: "The ingress controller attaches nothing: requests go to the sleeping backend without being held, and fail.",
  fix: "Name a KongPlugin in the same namespace, one in another namespace as NAMESPACE:NAME, or a KongClusterPlugin.",
  *check({ manifests }) {
    const known = manifests.of(...pluginKinds).map(({ name }) => name);
    for (const user of manifests.all) {
      const references = pluginReferences(user);
      const found = new Set(
        references.filter((reference) => resolvePlugin(manifests, reference).plugin !== undefined),
      );
      for (const reference of references) {
        if (found.has(reference)) continue;
        const { name, namespace, place, isQualified } = reference;
        const near = nearest(name, known);
        const isFamiliar = near !== undefined && near !== name;
        // A platform may have its own plugins, cluster-wide or in its own namespace.
        const isForeign = known.length === 0 || found.size > 0 || (isQualified && !isFamiliar);
        if (isForeign && !isFamiliar && !manifests.isComplete) {
          yield notLookedAt(`the plugin ${name}, which ${title(user)} names: it is not among the manifests`);
          continue;
        }
        const hint = isFamiliar ? `; did you mean ${near}?` : "";
        yield fault(
          place,
          `${title(user)} names the plugin ${name}, which namespace ${namespace} does not have${hint}`,
        );
      }
    }
  },
};
