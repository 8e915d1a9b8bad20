import { pluginKinds, pluginName } from "@kong-serverless/manifests";

import { distance } from "../distance.ts";
import { fault, type Rule } from "../rule.ts";

export const nothingFound: Rule = {
  code: "NOTHING_FOUND",
  topic: "names",
  severity: "error",
  why: "Doctor found nothing to check, which does not mean that all is well.",
  fix: "Name the folder or file with the KongPlugins, ScaledObjects and workloads.",
  *check({ manifests, scalers, apps, plugins }) {
    // A live cluster in which the plugin is not used is reported elsewhere.
    if (manifests.isComplete) return;
    const ours = [plugins, scalers, apps.consumers, apps.demoBackends, manifests.of("ScaledJob")].flat()
      .length;
    const isMeant = manifests
      .of(...pluginKinds)
      .some(({ root }) => distance(root.at("plugin").scalar ?? "", pluginName) < pluginName.length / 2);
    if (ours > 0 || isMeant) return;
    const kinds = [...new Set(manifests.all.map(({ kind }) => kind))].sort().join(", ");
    const { file = "" } = manifests.all[0]?.root ?? {};
    yield fault({ file, path: "" }, `nothing of kong-serverless found among ${kinds}`);
  },
};
