import { access } from "node:fs/promises";
import { join } from "node:path";

import { parseDocuments } from "./documents.ts";
import { Place } from "./place.ts";
import { readText } from "./text.ts";

/** The values that come with an overlay: deploy/platform/kong/values.yaml, and values-OVERLAY.yaml on top. */
export async function gatewayValuesFor(overlay: string, root: string): Promise<string[]> {
  const files = ["values.yaml", `values-${overlay}.yaml`].map((name) =>
    join(root, "deploy/platform/kong", name),
  );
  const existing = files.map((file) =>
    access(file).then(
      () => file,
      () => undefined,
    ),
  );
  return (await Promise.all(existing)).flatMap((file) => file ?? []);
}

/** Reads the values of the gateway's Helm chart; later files win over earlier ones, as with `helm -f`. */
export async function readGatewayValues(files: readonly string[]): Promise<Place> {
  let merged: unknown;
  for (const file of files) {
    merged = merge(
      merged,
      parseDocuments(file, await readText(file, file), { mayHaveTemplates: true })[0]?.document,
    );
  }
  return new Place(merged, []);
}

function merge(base: unknown, over: unknown): unknown {
  if (!isMap(base) || !isMap(over)) return over ?? base;
  const keys = new Set([...Object.keys(base), ...Object.keys(over)]);
  return Object.fromEntries([...keys].map((key) => [key, merge(base[key], over[key])]));
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
