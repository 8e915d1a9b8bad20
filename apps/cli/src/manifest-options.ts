import { ConfigError } from "@kong-serverless/config";
import { type Manifests, type ManifestSource, readManifests } from "@kong-serverless/manifests";
import type { Command } from "commander";

import type { Shell } from "./shell.ts";

/** The options that name a command's manifests. */
export interface ManifestOptions {
  readonly overlay?: string;
  readonly file?: readonly string[];
}

export function addManifestOptions(command: Command): Command {
  return command
    .option(
      "--overlay <name>",
      "base, an overlay in deploy/overlays, or the path of a folder: one with a slash, such as ./my-overlay",
    )
    .option(
      "--file <path>",
      "a file of manifests, or a folder; - reads stdin; may be repeated",
      (path: string, before?: readonly string[]) => [...(before ?? []), path],
    );
}

/** The manifests that the options name; undefined when they name none. */
export function manifestSource({ overlay, file = [] }: ManifestOptions): ManifestSource | undefined {
  if (overlay !== undefined && file.length > 0) {
    throw new ConfigError("The command line", ["--overlay and --file: give one of them"]);
  }
  if (overlay !== undefined) return { overlay };
  return file.length === 0 ? undefined : { files: file };
}

export function readSource(source: ManifestSource, shell: Shell): Promise<Manifests> {
  return readManifests(source, shell);
}
