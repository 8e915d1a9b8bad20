import { readdir, realpath, stat } from "node:fs/promises";
import { isAbsolute, join, normalize } from "node:path";

import { ConfigError, parseConfig } from "@kong-serverless/config";
import { z } from "zod";

import { parseDocuments } from "./documents.ts";
import type { Origin } from "./place.ts";
import { readText } from "./text.ts";

/** The names under which kustomize looks for it. */
const fileNames = ["kustomization.yaml", "kustomization.yml", "Kustomization"];
const schema = z.looseObject({
  resources: z.array(z.string()).nullish(),
  // What resources that are folders were called before.
  bases: z.array(z.string()).nullish(),
  components: z.array(z.string()).nullish(),
  patches: z.array(z.looseObject({ path: z.string().optional() })).nullish(),
  patchesStrategicMerge: z.array(z.string()).nullish(),
});
const plainFields = new Set(["apiVersion", "kind", "metadata", "resources", "bases"]);

/** What a kustomize folder is made of. */
export interface KustomizeSources {
  /** Every document of its files, those of the folder itself before those of what it builds on. */
  readonly documents: readonly Origin[];
  /** Whether it only lists files and such folders: then these documents are what would be applied. */
  readonly isPlain: boolean;
}

/** The path of the folder's kustomization; undefined where it has none. */
export async function findKustomization(folder: string, shown: string): Promise<string | undefined> {
  const names = await readdir(folder);
  const all = fileNames.filter((name) => names.includes(name));
  const sizes = await Promise.all(all.map(async (name) => (await stat(join(folder, name))).size));
  // One that is empty, as `patch` leaves a file that was moved, says nothing beside another.
  const found = all.length > 1 ? all.filter((_, index) => sizes[index] !== 0) : all;
  if (found.length > 1) throw new ConfigError(shown, [`has ${found.join(" and ")}; kustomize takes one`]);
  return found[0];
}

/**
 * Reads the files of a kustomize folder and of the folders that it builds on. Throws a ConfigError for a file that is missing or is
 * not YAML, and for folders that build on one another. Resources at other addresses are left to kustomize.
 *
 * @param folder Absolute; @param shown is how messages name it; @param above are the folders that build on it.
 */
export async function readKustomization(
  folder: string,
  shown: string,
  above: readonly string[] = [],
): Promise<KustomizeSources> {
  const real = await realpath(folder);
  if (above.includes(real)) {
    throw new ConfigError(shown, ["builds on itself, through the kustomizations that it lists"]);
  }
  const name = await findKustomization(folder, shown);
  if (name === undefined) throw new ConfigError(shown, ["is listed as a kustomization and has none"]);
  const [list] = await readFile(folder, shown, name);
  const { resources, bases, components, patches, patchesStrategicMerge, ...rest } = parseConfig(
    schema,
    list?.document,
    join(shown, name),
  );
  const changes = [
    ...(patches ?? []).flatMap(({ path }) => path ?? []),
    ...(patchesStrategicMerge ?? []).filter((patch) => !patch.includes("\n")),
  ];
  const documents: Origin[] = [];
  const below: string[] = [];
  let isPlain =
    [patches, patchesStrategicMerge, components].every((field) => (field ?? []).length === 0) &&
    Object.keys(rest).every((field) => plainFields.has(field));
  for (const path of [...changes, ...(resources ?? []), ...(bases ?? []), ...(components ?? [])]) {
    if (isRemote(path)) isPlain = false;
    else if (await isFolder(join(folder, path))) below.push(path);
    else documents.push(...(await readFile(folder, shown, path)));
  }
  for (const path of below) {
    const sources = await readKustomization(join(folder, path), normalize(join(shown, path)), [
      ...above,
      real,
    ]);
    documents.push(...sources.documents);
    isPlain &&= sources.isPlain;
  }
  return { documents, isPlain };
}

function isRemote(path: string): boolean {
  return /:\/\/|[?&]ref=/.test(path) || path.startsWith("git@") || path.startsWith("github.com/");
}

async function isFolder(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined))?.isDirectory() === true;
}

async function readFile(folder: string, shown: string, path: string): Promise<Origin[]> {
  if (isAbsolute(path)) throw new ConfigError(shown, [`lists ${path}; kustomize takes relative paths`]);
  const file = normalize(join(shown, path));
  return parseDocuments(file, await readText(join(folder, path), file));
}
