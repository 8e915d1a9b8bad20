import { pluginKinds, pluginName, title } from "@kong-serverless/manifests";

import { distance } from "../distance.ts";
import { fault, type Rule } from "../rule.ts";

/** Two letters wrong and one swapped; no plugin that Kong brings is as near. */
const mostDistance = 3;

export const pluginMisspelt: Rule = {
  code: "PLUGIN_MISSPELT",
  topic: "names",
  severity: "error",
  why: "Kong knows no plugin of that name: the ingress controller attaches nothing, and requests reach the sleeping backend unheld.",
  fix: "Write `plugin: serverless`.",
  *check({ manifests }) {
    for (const manifest of manifests.of(...pluginKinds)) {
      const plugin = manifest.root.at("plugin");
      const name = plugin.scalar ?? "";
      const isNear = distance(name.toLowerCase().replace(/[^a-z]/g, ""), pluginName) <= mostDistance;
      if (name === pluginName || !isNear) continue;
      yield fault(plugin, `${title(manifest)} is of the plugin ${name}; did you mean ${pluginName}?`);
    }
  },
};
