import { readdir, stat } from "node:fs/promises";
import { isAbsolute, join, resolve } from "node:path";

import { ConfigError } from "@kong-serverless/config";

import { parseDocuments } from "./documents.ts";
import { findKustomization, readKustomization } from "./kustomization.ts";
import { renderFolder } from "./kustomize.ts";
import { Manifests, toManifest } from "./manifests.ts";
import { type Origin, Place } from "./place.ts";
import { readStream, readText } from "./text.ts";

/** Which manifests a command is about. */
export type ManifestSource =
  /** `base`, the name of an overlay in the workspace, or the path of a folder. */
  | { readonly overlay: string }
  /** Files of manifests and folders of such; `-` is stdin. */
  | { readonly files: readonly string[] };

export interface ReadOptions {
  /** Absolute path of the workspace, which overlays are looked for in. */
  readonly root: string;
  /** Absolute path that relative ones start from. */
  readonly cwd: string;
  /** Command of kustomize, where $KUSTOMIZE names one. */
  readonly kustomize: string | undefined;
  readonly stdin: NodeJS.ReadableStream;
  readonly signal: AbortSignal;
}

/**
 * Reads what would be applied. A folder that only lists files is read as it is, one whose kustomization does more is rendered.
 * Throws a ConfigError where something cannot be read or is no Kubernetes object: nothing is left out in silence.
 */
export async function readManifests(source: ManifestSource, options: ReadOptions): Promise<Manifests> {
  const parts: Manifests[] = [];
  if ("overlay" in source) {
    const { path, shown } = folderOf(source.overlay, options);
    if (!isPath(source.overlay)) await expectOverlay(path, shown, options.root);
    parts.push(await readFolder(path, shown, options));
  } else {
    for (const file of source.files) parts.push(await readPath(file, options));
  }
  const all = parts.flatMap((part) => part.all);
  if (all.length === 0) throw new ConfigError(sourceName(source), ["no Kubernetes object in it"]);
  return new Manifests(all, { leftOut: parts.flatMap(({ leftOut }) => leftOut) });
}

/** The source as a reader would call it. */
export function sourceName(source: ManifestSource): string {
  if ("overlay" in source) return isPath(source.overlay) ? source.overlay : overlayFolder(source.overlay);
  return source.files.map((file) => (file === "-" ? "stdin" : file)).join(", ");
}

function overlayFolder(name: string): string {
  return name === "base" ? "deploy/base" : `deploy/overlays/${name}`;
}

/** A misspelt name is told the right ones. */
async function expectOverlay(path: string, shown: string, root: string): Promise<void> {
  const error = await stat(path).then(
    () => undefined,
    (reason: NodeJS.ErrnoException) => reason,
  );
  if (error === undefined) return;
  const overlays = await readdir(join(root, "deploy/overlays")).catch(() => []);
  const hint =
    overlays.length === 0
      ? "there is no workspace here; a folder is given as a path with a slash, such as ./my-overlay"
      : `there are: ${["base", ...overlays.sort((a, b) => a.localeCompare(b))].join(", ")}`;
  throw new ConfigError(shown, [`cannot be read (${error.code}); ${hint}`]);
}

function isPath(overlay: string): boolean {
  return overlay.includes("/") || overlay === "." || overlay === "..";
}

function folderOf(overlay: string, { root, cwd }: ReadOptions): { path: string; shown: string } {
  if (!isPath(overlay)) return { path: join(root, overlayFolder(overlay)), shown: overlayFolder(overlay) };
  return { path: resolve(cwd, overlay), shown: overlay.replace(/(?<=.)\/+$/, "") };
}

async function readPath(file: string, options: ReadOptions): Promise<Manifests> {
  if (file === "-") {
    const text = await readStream(options.stdin, { shown: "stdin", signal: options.signal });
    return toManifests(parseDocuments("stdin", text), (origin) => [origin]);
  }
  const path = isAbsolute(file) ? file : resolve(options.cwd, file);
  const stats = await stat(path).catch(() => undefined);
  if (stats?.isDirectory() === true) return readFolder(path, file.replace(/(?<=.)\/+$/, ""), options);
  return toManifests(parseDocuments(file, await readText(path, file)), (origin) => [origin]);
}

async function readFolder(
  path: string,
  shown: string,
  { kustomize, signal }: ReadOptions,
): Promise<Manifests> {
  const stats = await stat(path).catch((error: NodeJS.ErrnoException) => {
    throw new ConfigError(shown, [`cannot be read (${error.code})`]);
  });
  if (!stats.isDirectory()) throw new ConfigError(shown, ["is no folder; a file is given with --file"]);
  if ((await findKustomization(path, shown)) === undefined) return readLooseFiles(path, shown);
  const { documents, isPlain } = await readKustomization(path, shown);
  if (isPlain) return toManifests(documents, (origin) => [origin]);
  const text = await renderFolder(path, { shown, configured: kustomize, signal });
  const written = Map.groupBy(documents, ({ document }) => identityOf(document));
  return toManifests(
    parseDocuments(`${shown} (rendered)`, text),
    (origin) => written.get(identityOf(origin.document)) ?? [origin],
  );
}

/** A folder without a kustomization, as `kubectl apply -f` reads it: not the folders in it. */
async function readLooseFiles(path: string, shown: string): Promise<Manifests> {
  const entries = await readdir(path, { withFileTypes: true });
  const names = entries.flatMap((entry) =>
    !entry.isDirectory() && isManifest(entry.name) ? [entry.name] : [],
  );
  const origins: Origin[] = [];
  for (const name of names.sort()) {
    const file = join(shown, name);
    origins.push(...parseDocuments(file, await readText(join(path, name), file)));
  }
  const folders = entries.filter((entry) => entry.isDirectory() && !/^(?:\.|node_modules$)/.test(entry.name));
  const { all } = toManifests(origins, (origin) => [origin]);
  return new Manifests(all, {
    leftOut: folders.map(
      ({ name }) => `${join(shown, name)}: a folder in a folder without a kustomization (give it too)`,
    ),
  });
}

function toManifests(
  origins: readonly Origin[],
  originsOf: (origin: Origin) => readonly Origin[],
): Manifests {
  return new Manifests(
    origins.map((origin) => toManifest(origin.document, originsOf(origin)) ?? refuse(origin)),
  );
}

function refuse(origin: Origin): never {
  const root = new Place(origin.document, [origin]);
  const kind = root.at("kind");
  const issue = {
    Kustomization: "is a kustomization: give its folder",
    Component: root.at("spec").exists
      ? missing("metadata.name")
      : "is a component of kustomize: give a folder that uses it",
  }[kind.text ?? ""];
  const at = [`document ${origin.number ?? 1}`, ...(root.line === undefined ? [] : [`line ${root.line}`])];
  throw new ConfigError(origin.file, [
    `${at.join(", ")}: ${issue ?? missing(kind.text === undefined ? "kind" : "metadata.name")}`,
  ]);
}

function isManifest(name: string): boolean {
  return /\.(?:ya?ml|json)$/.test(name);
}

function missing(field: string): string {
  return `no \`${field}\`: this is no Kubernetes object`;
}

/** Namespaces are left out: a kustomization may set them. */
function identityOf(document: unknown): string {
  const root = new Place(document, []);
  return `${root.at("kind").text}/${root.at("metadata", "name").text}`;
}
