import { globalPlugins, pluginReferences, resolvePlugin, title } from "@kong-serverless/manifests";

import { fault, type Rule } from "../rule.ts";

export const pluginUnused: Rule = {
  code: "PLUGIN_UNUSED",
  topic: "names",
  severity: "warning",
  why: "No route runs the plugin, so nothing wakes its backends.",
  fix: "Name the plugin in the annotation konghq.com/plugins of the backend's Ingress, HTTPRoute or Service, or remove it.",
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
        `${title(manifest)} is named by no Ingress, HTTPRoute or Service`,
      );
    }
  },
};
