import { ConfigError } from "@kong-serverless/config";
import type { Command } from "commander";

import type { Manifests } from "./manifests/manifests.ts";
import { folderOf, type ManifestSource, readManifests } from "./manifests/read-manifests.ts";
import type { Shell } from "./shell.ts";

/** The options by which a command is told which manifests it is about. */
export interface ManifestOptions {
  readonly overlay?: string;
  readonly file?: string;
}

export function addManifestOptions(command: Command): Command {
  return command
    .option(
      "--overlay <name>",
      "base, an overlay in deploy/overlays (dev, staging), or the path of a kustomize folder in the workspace",
    )
    .option("--file <path>", "rendered manifests instead; - reads them from stdin");
}

/** Which manifests the options name; undefined when they name none. */
export function manifestSource({ overlay, file }: ManifestOptions): ManifestSource | undefined {
  if (overlay !== undefined && file !== undefined) {
    throw new ConfigError("The command line", ["--overlay and --file: give one of them"]);
  }
  if (overlay !== undefined) return { overlay };
  return file === undefined ? undefined : { file };
}

/** The source as a reader would call it. */
export function sourceName(source: ManifestSource): string {
  if ("overlay" in source) return folderOf(source.overlay);
  return source.file === "-" ? "stdin" : source.file;
}

export function readSource(source: ManifestSource, shell: Shell): Promise<Manifests> {
  return readManifests(source, shell);
}
