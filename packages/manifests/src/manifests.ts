import { type Origin, Place } from "./place.ts";

/** One Kubernetes object as it would be applied. */
export interface Manifest {
  readonly kind: string;
  readonly apiVersion: string;
  readonly name: string;
  readonly namespace: string;
  /** The whole object. */
  readonly root: Place;
}

/**
 * What would be applied. Nothing is demanded of it but kind and name: a mistake is for the checks to find and to say, so reading
 * must not stop at it (the playground's reading does, since it cannot play half a system).
 */
export class Manifests {
  readonly all: readonly Manifest[];
  /** What there is and was not read, and why. */
  readonly leftOut: readonly string[];
  /** Whether nothing else is applied, as in a cluster that was read whole: then what is missing here is missing. */
  readonly isComplete: boolean;
  readonly #byKind: ReadonlyMap<string, readonly Manifest[]>;

  constructor(
    all: readonly Manifest[],
    {
      leftOut = [],
      isComplete = false,
    }: { readonly leftOut?: readonly string[]; readonly isComplete?: boolean } = {},
  ) {
    this.all = all;
    this.leftOut = leftOut;
    this.isComplete = isComplete;
    this.#byKind = Map.groupBy(all, ({ kind }) => kind);
  }

  of(...kinds: readonly string[]): Manifest[] {
    const [only = ""] = kinds;
    if (kinds.length === 1) return [...(this.#byKind.get(only) ?? [])];
    return this.all.filter(({ kind }) => kinds.includes(kind));
  }

  find(kind: string, namespace: string, name: string): Manifest | undefined {
    return this.#byKind
      .get(kind)
      ?.find((manifest) => manifest.namespace === namespace && manifest.name === name);
  }
}

/** `Deployment kong-serverless/consumer` */
export function title({ kind, namespace, name }: Manifest): string {
  return `${kind} ${namespace}/${name}`;
}

/**
 * The manifest that a document is; undefined for an empty document or one that is no Kubernetes object.
 *
 * @param origins See {@link Place}; the document itself where it was read as it is.
 */
export function toManifest(document: unknown, origins: readonly Origin[]): Manifest | undefined {
  const root = new Place(document, origins);
  const kind = root.at("kind").text;
  const metadata = root.at("metadata");
  const name = metadata.at("name").text ?? metadata.at("generateName").text;
  if (kind === undefined || name === undefined) return undefined;
  return {
    kind,
    name,
    apiVersion: root.at("apiVersion").text ?? "",
    namespace: metadata.at("namespace").text ?? "default",
    root,
  };
}
