import { pluginReferences, resolvePlugin, title } from "@kong-serverless/manifests";

import { fault, type Rule } from "../rule.ts";

export const pluginNotGranted: Rule = {
  code: "PLUGIN_NOT_GRANTED",
  topic: "names",
  severity: "error",
  why: "The ingress controller attaches a plugin from another namespace only with a grant: requests go to the sleeping backend without being held, and fail.",
  fix: "Add a ReferenceGrant to the plugin's namespace: from the group, kind and namespace of the object that names it, to KongPlugin in configuration.konghq.com.",
  *check({ manifests }) {
    for (const user of manifests.all) {
      for (const reference of pluginReferences(user)) {
        const { plugin, isGranted } = resolvePlugin(manifests, reference);
        if (plugin === undefined || isGranted) continue;
        yield fault(
          reference.place,
          `${title(user)} names ${title(plugin)}, whose namespace has no ReferenceGrant for it`,
        );
      }
    }
  },
};
