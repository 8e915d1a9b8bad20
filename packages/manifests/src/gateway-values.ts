import { access } from "node:fs/promises";
import { join } from "node:path";

import { parseDocuments } from "./documents.ts";
import { type Origin, Place } from "./place.ts";
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

/** An item of a list in a values file that a later file's list has put out: Helm merges maps, and replaces lists as a whole. */
export interface ReplacedItem {
  readonly name: string;
  /** The list in the file that has the item. */
  readonly place: Place;
  /** The list that came in its place. */
  readonly by: Place;
}

export interface GatewayValues {
  /** Merged as `helm -f` does: later files win over earlier ones. */
  readonly values: Place;
  readonly replaced: readonly ReplacedItem[];
}

/** Reads the values of the gateway's Helm chart. */
export async function readGatewayValues(files: readonly string[]): Promise<GatewayValues> {
  const origins: Origin[] = [];
  for (const file of files) {
    origins.push(...parseDocuments(file, await readText(file, file), { mayHaveTemplates: true }).slice(0, 1));
  }
  const merged = origins.reduce<unknown>((base, { document }) => merge(base, document), undefined);
  // The last word first.
  const values = new Place(merged, origins.toReversed());
  return {
    values,
    replaced: origins.flatMap((origin) => replacedItems(new Place(origin.document, [origin]), values)),
  };
}

/** Named items below `own` that are not below `merged`. An empty list is taken for one that was emptied on purpose. */
function replacedItems(own: Place, merged: Place): ReplacedItem[] {
  if (!Array.isArray(own.value)) {
    return own.entries.flatMap(([key, place]) => replacedItems(place, merged.at(key)));
  }
  const names = new Set(merged.items.flatMap((item) => nameOf(item) ?? []));
  if (names.size === 0) return [];
  return own.items.flatMap((item) => {
    const name = nameOf(item);
    return name === undefined || names.has(name) ? [] : [{ name, place: own, by: merged }];
  });
}

function nameOf(item: Place): string | undefined {
  return item.at("name").text ?? item.at("metadata", "name").text;
}

function merge(base: unknown, over: unknown): unknown {
  if (!isMap(base) || !isMap(over)) return over ?? base;
  const keys = new Set([...Object.keys(base), ...Object.keys(over)]);
  return Object.fromEntries([...keys].map((key) => [key, merge(base[key], over[key])]));
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
