import { title } from "../../manifests/manifests.ts";
import { pluginKinds } from "../../system/backend.ts";
import { pluginAnnotation, pluginNames } from "../../system/route.ts";
import type { System } from "../../system/system.ts";
import { type Finding, finding } from "../finding.ts";

/** The plugin's own schema accepts its configuration. */
export function* pluginConfigIsValid({ plugins }: System): Generator<Finding> {
  for (const { manifest, issues } of plugins) {
    for (const issue of issues) {
      yield finding("PLUGIN_CONFIG_INVALID", manifest.root.at("config"), `${title(manifest)}: ${issue}`);
    }
  }
}

/** Every plugin that a route names exists, and every plugin has a route. */
export function* pluginsAndRoutesMeet({ manifests, plugins }: System): Generator<Finding> {
  const used = new Set<unknown>();
  for (const user of manifests.of("Ingress", "Service")) {
    for (const name of pluginNames(user)) {
      const [kind, clusterKind] = pluginKinds;
      const plugin =
        manifests.find(kind, user.namespace, name) ??
        manifests.of(clusterKind).find((manifest) => manifest.name === name);
      if (plugin) used.add(plugin);
      else {
        const what = `${title(user)} names the plugin ${name}, which namespace ${user.namespace} does not have`;
        yield finding("PLUGIN_NOT_FOUND", pluginAnnotation(user), what);
      }
    }
  }
  for (const { manifest } of plugins) {
    const isGlobal = manifest.root.at("metadata", "labels", "global").text === "true";
    if (used.has(manifest) || isGlobal) continue;
    yield finding(
      "PLUGIN_UNUSED",
      manifest.root.at("metadata", "name"),
      `${title(manifest)} is named by no Ingress and no Service`,
    );
  }
}
