import { title } from "@kong-serverless/manifests";

import { fault, type Rule } from "../rule.ts";

export const pluginConfigInvalid: Rule = {
  code: "PLUGIN_CONFIG_INVALID",
  topic: "names",
  severity: "error",
  why: "Kong refuses the configuration, or the plugin server does and answers every request on its route with 503.",
  fix: "Correct the field; docs/configuration.md lists all of them.",
  *check({ plugins }) {
    for (const { manifest, issues } of plugins) {
      const config = manifest.root.at("config");
      for (const issue of issues) yield fault(config, `${title(manifest)}: ${issue}`);
    }
  },
};
