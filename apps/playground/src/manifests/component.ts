import { join } from "node:path";

import { ConfigError, parseConfig } from "@kong-serverless/config";
import { type Manifest, Manifests, parseDocuments, readText, toManifest } from "@kong-serverless/manifests";
import { z } from "zod";

import { patchDocument, patchSchema } from "./patch.ts";

/** The parts of a kustomize component that are supported here: resources and JSON patches. */
const schema = z.object({
  resources: z.array(z.string()).default([]),
  patches: z
    .array(z.object({ path: z.string(), target: z.object({ kind: z.string(), name: z.string() }) }))
    .default([]),
});

/** A folder of manifests. */
export interface Folder {
  /** Absolute. */
  readonly path: string;
  /** Its name in messages. */
  readonly shown: string;
}

/** Adds a kustomize component to the manifests. Throws a ConfigError if it patches something that is not there. */
export async function addComponent(manifests: Manifests, folder: Folder): Promise<Manifests> {
  const [list] = await read(folder, "kustomization.yaml");
  const { resources, patches } = parseConfig(schema, list?.document, `${folder.shown}/kustomization.yaml`);
  let all = [...manifests.all];
  for (const { path, target } of patches) {
    const [patch] = await read(folder, path);
    const source = `${folder.shown}/${path}`;
    const operations = parseConfig(patchSchema, patch?.document, source);
    // Kustomize treats a target's name as a regular expression that must match an object's whole name.
    const name = new RegExp(`^(?:${target.name})$`);
    const isTarget = (manifest: Manifest) => manifest.kind === target.kind && name.test(manifest.name);
    if (!all.some(isTarget)) {
      throw new ConfigError(source, [`target: found ${target.kind} ${target.name}; there is none`]);
    }
    all = all.map((manifest) => {
      if (!isTarget(manifest)) return manifest;
      const document = patchDocument(manifest.root.value, operations, source);
      return toObject(document, { file: manifest.root.file, document });
    });
  }
  for (const file of resources) {
    for (const origin of await read(folder, file)) all.push(toObject(origin.document, origin));
  }
  return new Manifests(all, { leftOut: manifests.leftOut });
}

function toObject(document: unknown, origin: Parameters<typeof toManifest>[1][number]): Manifest {
  const manifest = toManifest(document, [origin]);
  if (manifest === undefined) throw new ConfigError(origin.file, ["is no Kubernetes object"]);
  return manifest;
}

async function read({ path, shown }: Folder, file: string) {
  return parseDocuments(`${shown}/${file}`, await readText(join(path, file), `${shown}/${file}`));
}
