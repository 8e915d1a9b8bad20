import { readFile } from "node:fs/promises";
import { join } from "node:path";

import { ConfigError, parseConfig } from "@kong-serverless/config";
import { parseAllDocuments } from "yaml";
import { z } from "zod";

import { kinds } from "./kinds.ts";
import { notHonoured } from "./not-honoured.ts";

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
const anyKind = z.object({ kind: z.string(), metadata: z.object({ name: z.string() }) });

/** Kinds that stand for something the playground has no part of: identities, who may connect to whom, the namespace itself. */
const kindsWithoutRole = new Set(["Namespace", "ServiceAccount", "NetworkPolicy", "TriggerAuthentication"]);

/**
 * Reads the resources that `kustomization.yaml` in `folder` lists; they must be files of plain resources.
 * Fails with a ConfigError that names the file, the path in it, what was found and what is allowed.
 *
 * @param folder Absolute; @param shownFolder is how messages name it.
 */
export async function readManifests(folder: string, shownFolder: string): Promise<Manifests> {
  const manifests: (Manifest & { readonly kind: string })[] = [];
  const leftOut: string[] = [];
  const [list] = await readDocuments(folder, shownFolder, "kustomization.yaml");
  const { resources } = parseConfig(kustomization, list, `${shownFolder}/kustomization.yaml`);
  for (const file of resources) {
    for (const document of await readDocuments(folder, shownFolder, file)) {
      const path = `${shownFolder}/${file}`;
      const { kind, metadata } = parseConfig(anyKind, document, path);
      const source = `${path} (${kind} ${metadata.name})`;
      if (kindsWithoutRole.has(kind)) continue;
      if (!isPlayed(kind)) {
        leftOut.push(`${source}: the whole resource`);
        continue;
      }
      const resource = parseConfig(kinds[kind] as z.ZodType, document, source);
      manifests.push({ kind, source, resource });
      leftOut.push(...notHonoured(document, resource).map((field) => `${source}: ${field}`));
    }
  }
  return {
    of: (kind) => manifests.filter((manifest) => manifest.kind === kind) as never,
    notHonoured: leftOut,
  };
}

function isPlayed(kind: string): kind is KindName {
  return Object.hasOwn(kinds, kind);
}

async function readDocuments(folder: string, shownFolder: string, file: string): Promise<unknown[]> {
  let text: string;
  try {
    text = await readFile(join(folder, file), "utf8");
  } catch (error) {
    throw new ConfigError(`${shownFolder}/${file}`, [
      `cannot be read (${(error as NodeJS.ErrnoException).code})`,
    ]);
  }
  return parseAllDocuments(text).map((document) => {
    const [error] = document.errors;
    if (error) throw new ConfigError(`${shownFolder}/${file}`, [`not YAML: ${error.message}`]);
    return document.toJS() as unknown;
  });
}
