import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { text as readAll } from "node:stream/consumers";

import { ConfigError } from "@kong-serverless/config";

import { readKustomization } from "./kustomization.ts";
import { renderFolder } from "./kustomize.ts";
import { Manifests, toManifest } from "./manifests.ts";
import { parseDocuments } from "./parse.ts";
import { type Origin, Place } from "./place.ts";

/** Which manifests a command is about. */
export type ManifestSource =
  /** `base`, the name of an overlay, or the path of a kustomize folder in the workspace. */
  | { readonly overlay: string }
  /** A file of rendered manifests; `-` is stdin. */
  | { readonly file: string };

export interface ReadOptions {
  /** Absolute path of the workspace, which overlays are looked for in. */
  readonly root: string;
  /** Command of kustomize, where $KUSTOMIZE names one. */
  readonly kustomize: string | undefined;
  readonly stdin: NodeJS.ReadableStream;
}

/** Reads what would be applied. A folder that only lists files is read as it is, any other one is rendered. */
export async function readManifests(source: ManifestSource, options: ReadOptions): Promise<Manifests> {
  if ("file" in source) return readRendered(source.file, options);
  const folder = folderOf(source.overlay);
  const { documents, isPlain } = await readKustomization(options.root, folder);
  if (isPlain) return toManifests(documents, (origin) => [origin]);
  const rendered = parseDocuments(
    `${folder} (rendered)`,
    await renderFolder(join(options.root, folder), options.kustomize),
  );
  return toManifests(rendered, (origin) => {
    const written = documents.filter(({ document }) => isSameObject(document, origin.document));
    return written.length > 0 ? written : [origin];
  });
}

/** The folder of an overlay in the workspace. */
export function folderOf(overlay: string): string {
  if (overlay === "base") return "deploy/base";
  return overlay.includes("/") ? overlay.replace(/\/+$/, "") : `deploy/overlays/${overlay}`;
}

async function readRendered(file: string, { stdin }: ReadOptions): Promise<Manifests> {
  const name = file === "-" ? "stdin" : file;
  let text: string;
  try {
    text = file === "-" ? await readAll(stdin) : await readFile(file, "utf8");
  } catch (error) {
    throw new ConfigError(name, [`cannot be read (${(error as NodeJS.ErrnoException).code})`]);
  }
  return toManifests(parseDocuments(name, text), (origin) => [origin]);
}

function toManifests(
  origins: readonly Origin[],
  originsOf: (origin: Origin) => readonly Origin[],
): Manifests {
  const all = origins.flatMap((origin) => toManifest(origin.document, originsOf(origin)) ?? []);
  const [first] = origins;
  if (all.length === 0) throw new ConfigError(first?.file ?? "The input", ["no Kubernetes object in it"]);
  return new Manifests(all);
}

/** Namespaces are left out: a kustomization may set them. */
function isSameObject(one: unknown, other: unknown): boolean {
  const [a, b] = [new Place(one, []), new Place(other, [])];
  return (
    a.at("kind").text === b.at("kind").text && a.at("metadata", "name").text === b.at("metadata", "name").text
  );
}
