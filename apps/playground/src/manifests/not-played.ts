import { type Manifest, type Place, title } from "@kong-serverless/manifests";

/** Something that stands in a manifest and is not played. */
export interface NotPlayed {
  /** `deploy/base/web.yaml:3 (ScaledObject shop/web)` */
  readonly object: string;
  /** Path of the field; undefined for the whole object. */
  readonly field: string | undefined;
  readonly why: string;
  /** What that means for what is seen. */
  readonly meaning: string;
}

export function notPlayed(
  manifest: Manifest,
  field: Place | string | undefined,
  why: string,
  meaning: string,
): NotPlayed {
  const { file, line } = typeof field === "object" ? field : manifest.root;
  const where = line === undefined ? file : `${file}:${line}`;
  return {
    object: `${where} (${title(manifest)})`,
    field: typeof field === "object" ? field.path : field,
    why,
    meaning,
  };
}

/** One line for people. */
export function formatNotPlayed({ object, field, why, meaning }: NotPlayed): string {
  return `${object}: ${field ?? "the whole object"}: ${why}; ${meaning}`;
}

/** Fields of the API server's own, which nobody writes by hand. */
const written = new Set(["status", "metadata"]);

/**
 * The paths of `document` that parsing left out of `parsed`: what the playground read but does not play, and what somebody
 * misspelt.
 */
export function leftOut(document: Place, parsed: unknown): Place[] {
  if (Array.isArray(parsed)) {
    return document.items.flatMap((item, index) =>
      index < parsed.length ? leftOut(item, parsed[index]) : [],
    );
  }
  if (typeof parsed !== "object" || parsed === null) return [];
  return document.entries.flatMap(([key, place]) => {
    if (document.path === "" && written.has(key)) return [];
    return Object.hasOwn(parsed, key) ? leftOut(place, Reflect.get(parsed, key)) : [place];
  });
}
