import { globalPlugins, pluginReferences, resolvePlugin, title } from "@kong-serverless/manifests";

import { fault, type Rule } from "../rule.ts";

export const pluginUnused: Rule = {
  code: "PLUGIN_UNUSED",
  topic: "names",
  severity: "warning",
  why: "No route runs the plugin, so nothing wakes its backends.",
  fix: "Add the plugin to the konghq.com/plugins annotation of the backend's Ingress, HTTPRoute or Service, or remove the plugin.",
  *check({ manifests, plugins }) {
    const used = new Set([
      ...globalPlugins(manifests),
      ...manifests.all
        .flatMap((user) => pluginReferences(user))
        .map((reference) => resolvePlugin(manifests, reference).plugin),
    ]);
    for (const { manifest } of plugins) {
      if (used.has(manifest)) continue;
      yield fault(
        manifest.root.at("metadata", "name"),
        `${title(manifest)} is not named by any Ingress, HTTPRoute or Service`,
      );
    }
  },
};
