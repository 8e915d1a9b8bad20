import { readFile } from "node:fs/promises";
import { join } from "node:path";

import { ConfigError, parseConfig } from "@kong-serverless/config";
import { parseAllDocuments } from "yaml";
import { z } from "zod";

import { kinds } from "./kinds.ts";
import { notHonoured } from "./not-honoured.ts";
import { patchDocument, patchSchema } from "./patch.ts";

type KindName = keyof typeof kinds;

/** A manifest as its schema gives it, with where it came from. */
export interface Manifest<Resource = unknown> {
  /** `deploy/base/consumer.yaml (Deployment consumer)`: for messages. */
  readonly source: string;
  readonly resource: Resource;
}

export interface Manifests {
  of<Kind extends KindName>(kind: Kind): Manifest<z.output<(typeof kinds)[Kind]>>[];
  /** What was read and is not played: `deploy/base/x.yaml (Deployment x): spec.replicas`. */
  readonly notHonoured: readonly string[];
}

const kustomization = z.object({ resources: z.array(z.string()).min(1) });
/** A component as far as it is played: more resources, and JSON patches. */
const component = z.object({
  resources: z.array(z.string()).default([]),
  patches: z
    .array(z.object({ path: z.string(), target: z.object({ kind: z.string(), name: z.string() }) }))
    .default([]),
});
const anyKind = z.object({ kind: z.string(), metadata: z.object({ name: z.string() }) });

/** Kinds that stand for something the playground has no part of: identities, who may connect to whom, the namespace itself. */
const kindsWithoutRole = new Set(["Namespace", "ServiceAccount", "NetworkPolicy", "TriggerAuthentication"]);

/** A folder of manifests. */
export interface Folder {
  /** Absolute. */
  readonly path: string;
  /** How messages name it. */
  readonly shown: string;
}

interface Document {
  readonly source: string;
  readonly kind: string;
  readonly name: string;
  readonly content: unknown;
}

/**
 * Reads the resources that `kustomization.yaml` in `base` lists, which must be files of plain resources, as the components change them.
 * Fails with a ConfigError that names the file, the path in it, what was found and what is allowed.
 */
export async function readManifests(base: Folder, components: readonly Folder[] = []): Promise<Manifests> {
  const manifests: (Manifest & { readonly kind: string })[] = [];
  const leftOut: string[] = [];
  const [list] = await readDocuments(base, "kustomization.yaml");
  const { resources } = parseConfig(kustomization, list, `${base.shown}/kustomization.yaml`);
  let documents = await readResources(base, resources);
  for (const folder of components) documents = await addComponent(documents, folder);
  for (const { source, kind, content } of documents) {
    if (kindsWithoutRole.has(kind)) continue;
    if (!isPlayed(kind)) {
      leftOut.push(`${source}: the whole resource`);
      continue;
    }
    const resource = parseConfig(kinds[kind] as z.ZodType, content, source);
    manifests.push({ kind, source, resource });
    leftOut.push(...notHonoured(content, resource).map((field) => `${source}: ${field}`));
  }
  return {
    of: (kind) => manifests.filter((manifest) => manifest.kind === kind) as never,
    notHonoured: leftOut,
  };
}

function isPlayed(kind: string): kind is KindName {
  return Object.hasOwn(kinds, kind);
}

async function readResources(folder: Folder, files: readonly string[]): Promise<Document[]> {
  const documents: Document[] = [];
  for (const file of files) {
    for (const content of await readDocuments(folder, file)) {
      const path = `${folder.shown}/${file}`;
      const { kind, metadata } = parseConfig(anyKind, content, path);
      const { name } = metadata;
      documents.push({ source: `${path} (${kind} ${name})`, kind, name, content });
    }
  }
  return documents;
}

async function addComponent(documents: readonly Document[], folder: Folder): Promise<Document[]> {
  const [list] = await readDocuments(folder, "kustomization.yaml");
  const { resources, patches } = parseConfig(component, list, `${folder.shown}/kustomization.yaml`);
  const patched = [...documents];
  for (const { path, target } of patches) {
    const [content] = await readDocuments(folder, path);
    const source = `${folder.shown}/${path}`;
    const operations = parseConfig(patchSchema, content, source);
    const index = patched.findIndex(({ kind, name }) => kind === target.kind && name === target.name);
    const document = patched[index];
    if (document === undefined) {
      throw new ConfigError(source, [`target: found ${target.kind} ${target.name}; there is none`]);
    }
    patched[index] = { ...document, content: patchDocument(document.content, operations, source) };
  }
  return [...patched, ...(await readResources(folder, resources))];
}

async function readDocuments({ path: folder, shown }: Folder, file: string): Promise<unknown[]> {
  let text: string;
  try {
    text = await readFile(join(folder, file), "utf8");
  } catch (error) {
    throw new ConfigError(`${shown}/${file}`, [`cannot be read (${(error as NodeJS.ErrnoException).code})`]);
  }
  return parseAllDocuments(text).map((document) => {
    const [error] = document.errors;
    if (error) throw new ConfigError(`${shown}/${file}`, [`not YAML: ${error.message}`]);
    return document.toJS() as unknown;
  });
}
