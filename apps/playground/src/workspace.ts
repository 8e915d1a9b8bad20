import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";

/** The workspace's root, for the bundle in apps/playground/dist and the sources in apps/playground/src alike. */
export const workspaceFolder = join(import.meta.dirname, "../../..");

const imagePrefix = "kong-serverless/";

/** The bundle of the app whose image has this name; undefined if the workspace has no such app. */
export function entryPointOf(image: string): string | undefined {
  const [name = ""] = image.slice(imagePrefix.length).split(":");
  const path = join(workspaceFolder, "apps", name, "dist/main.js");
  return image.startsWith(imagePrefix) && existsSync(path) ? path : undefined;
}

/** Versions of what the playground runs on, for its report. */
export async function readVersions(): Promise<Record<string, string>> {
  const manifest = JSON.parse(
    await readFile(join(workspaceFolder, "apps/playground/package.json"), "utf8"),
  ) as {
    version: string;
    dependencies: Record<string, string>;
  };
  return {
    "kong-serverless": manifest.version,
    node: process.versions.node,
    fauxqs: manifest.dependencies["fauxqs"] ?? "unknown",
  };
}
