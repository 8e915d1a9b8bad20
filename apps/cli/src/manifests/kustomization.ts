import { readFile, stat } from "node:fs/promises";
import { join, normalize } from "node:path";

import { ConfigError, parseConfig } from "@kong-serverless/config";
import { z } from "zod";

import { parseDocuments } from "./parse.ts";
import type { Origin } from "./place.ts";

const kustomization = z.looseObject({
  resources: z.array(z.string()).default([]),
  components: z.array(z.string()).default([]),
  patches: z.array(z.looseObject({ path: z.string().optional() })).default([]),
});
const plainFields = new Set(["apiVersion", "kind", "resources"]);

/** What a kustomize folder is made of. */
export interface KustomizeSources {
  /** Every document of its files, those of the folder itself before those of what it builds on. */
  readonly documents: readonly Origin[];
  /** Whether the folder only lists files: then these documents are what would be applied. */
  readonly isPlain: boolean;
}

/**
 * Reads the files of a kustomize folder and of the folders that it builds on. Throws a ConfigError for a file that is
 * missing or not YAML. Resources at other addresses are left to kustomize.
 *
 * @param root Absolute; @param folder is relative to it, and how messages name it.
 */
export async function readKustomization(root: string, folder: string): Promise<KustomizeSources> {
  const file = `${folder}/kustomization.yaml`;
  const [list] = await readDocuments(root, file);
  const { resources, components, patches, ...rest } = parseConfig(kustomization, list?.document, file);
  const documents: Origin[] = [];
  const below: string[] = [];
  const paths = [...patches.flatMap(({ path }) => path ?? []), ...resources, ...components];
  for (const path of paths.filter((name) => !name.includes("://"))) {
    const relative = normalize(join(folder, path));
    if (await isFolder(join(root, relative))) below.push(relative);
    else documents.push(...(await readDocuments(root, relative)));
  }
  const isPlain =
    below.length === 0 && patches.length === 0 && Object.keys(rest).every((field) => plainFields.has(field));
  for (const name of below) documents.push(...(await readKustomization(root, name)).documents);
  return { documents, isPlain };
}

async function isFolder(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined))?.isDirectory() === true;
}

async function readDocuments(root: string, file: string): Promise<Origin[]> {
  let text: string;
  try {
    text = await readFile(join(root, file), "utf8");
  } catch (error) {
    throw new ConfigError(file, [`cannot be read (${(error as NodeJS.ErrnoException).code})`]);
  }
  return parseDocuments(file, text);
}
