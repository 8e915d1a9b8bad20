import { pluginKinds, pluginName, title } from "@kong-serverless/manifests";

import { distance } from "../distance.ts";
import { fault, type Rule } from "../rule.ts";

/** Two wrong letters and a swap; none of Kong's own plugins is this close. */
const mostDistance = 3;

export const pluginMisspelt: Rule = {
  code: "PLUGIN_MISSPELT",
  topic: "names",
  severity: "error",
  why: "Kong has no plugin of that name: the ingress controller attaches nothing, and requests go to the sleeping backend without being held.",
  fix: "Write `plugin: serverless`.",
  *check({ manifests }) {
    for (const manifest of manifests.of(...pluginKinds)) {
      const plugin = manifest.root.at("plugin");
      const name = plugin.scalar ?? "";
      const isNear = distance(name.toLowerCase().replace(/[^a-z]/g, ""), pluginName) <= mostDistance;
      if (name === pluginName || !isNear) continue;
      yield fault(plugin, `${title(manifest)} names the plugin ${name}; did you mean ${pluginName}?`);
    }
  },
};
