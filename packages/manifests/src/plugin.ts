import { type BackendSettings, ConfigError, parsePluginConfig } from "@kong-serverless/config";

import { type Manifest, type Manifests, title } from "./manifests.ts";
import type { Place } from "./place.ts";

/** A KongPlugin or KongClusterPlugin of this plugin. */
export interface PluginUse {
  readonly manifest: Manifest;
  readonly backends: readonly ConfiguredBackend[];
  /** What the plugin's own schema finds wrong; then there are no backends. */
  readonly issues: readonly string[];
}

/** One backend of a plugin's configuration, with every default resolved. */
export interface ConfiguredBackend {
  readonly settings: BackendSettings;
  readonly plugin: Manifest;
  readonly target: string | undefined;
  /** Whether any request is for it; otherwise it is only woken along with others. */
  readonly isRouted: boolean;
  /** `config.backend[i]` */
  readonly place: Place;
  /** `config`, where the times stand. */
  readonly config: Place;
}

export const pluginKinds = ["KongPlugin", "KongClusterPlugin"] as const;
/** The name by which Kong knows it. */
export const pluginName = "serverless";

export function readPlugins(manifests: Manifests): PluginUse[] {
  return manifests
    .of(...pluginKinds)
    .filter(({ root }) => root.at("plugin").text === pluginName)
    .map((manifest) => readPlugin(manifest));
}

function readPlugin(manifest: Manifest): PluginUse {
  const config = manifest.root.at("config");
  if (isConfiguredElsewhere(manifest)) return { manifest, issues: [], backends: [] };
  try {
    const { backends } = parsePluginConfig(config.value, title(manifest));
    return {
      manifest,
      issues: [],
      backends: backends.map(({ settings, match, isRouted }, index) => ({
        settings,
        isRouted,
        plugin: manifest,
        target: match.target,
        place: config.at("backend", index),
        config,
      })),
    };
  } catch (error) {
    if (error instanceof ConfigError) return { manifest, issues: error.issues, backends: [] };
    throw error;
  }
}

/** Whether a Secret has its configuration, or patches of it: they are nobody's to read here. */
export function isConfiguredElsewhere({ root }: Manifest): boolean {
  return root.at("configFrom").exists || root.at("configPatches").exists;
}
