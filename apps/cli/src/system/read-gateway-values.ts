import { access, readFile } from "node:fs/promises";
import { join } from "node:path";

import { ConfigError } from "@kong-serverless/config";

import { parseDocuments } from "../manifests/parse.ts";
import { Place } from "../manifests/place.ts";

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
    const text = await readFile(file, "utf8").catch((error: NodeJS.ErrnoException) => {
      throw new ConfigError(file, [`cannot be read (${error.code})`]);
    });
    merged = merge(merged, parseDocuments(file, text)[0]?.document);
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
