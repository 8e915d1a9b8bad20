import { type Manifest, type Place, title } from "@kong-serverless/manifests";

/** Something in a manifest that is not played. */
export interface NotPlayed {
  /** `deploy/base/web.yaml:3 (ScaledObject shop/web)` */
  readonly object: string;
  /** Path of the field; undefined for the whole object. */
  readonly field: string | undefined;
  readonly why: string;
  /** The consequence. */
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

/** Fields that only the API server writes. */
const written = new Set(["status", "metadata"]);

/** The paths of `document` that parsing stripped: fields that the playground does not play, and misspelt ones. */
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
