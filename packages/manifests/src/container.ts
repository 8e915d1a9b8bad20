import type { Manifest, Manifests } from "./manifests.ts";
import type { Place } from "./place.ts";

export interface Container {
  readonly place: Place;
  readonly image: string;
  readonly environment: readonly EnvironmentVariable[];
  /** Whether it may have variables that the manifests do not tell: all keys of a ConfigMap or Secret that is not among them. */
  readonly hasMore: boolean;
}

interface EnvironmentVariable {
  readonly name: string;
  readonly place: Place;
  /** Undefined where it is not known. */
  readonly value: string | undefined;
  /** Where it comes from, if not from the manifest's own text. */
  readonly source: "text" | "ConfigMap" | "Secret" | "pod";
}

/** Reads a container with the environment that its process gets: `envFrom`, then `env` over it, `$(VAR)` filled in. */
export function readContainer(place: Place, namespace: string, manifests: Manifests): Container {
  const variables = new Map<string, EnvironmentVariable>();
  let hasMore = false;
  for (const source of place.at("envFrom").items) {
    const reference = envFromReference(source);
    if (reference === undefined) continue;
    const { kind, place: named } = reference;
    const manifest = manifests.find(kind, namespace, named.at("name").text ?? "");
    if (manifest === undefined) hasMore = true;
    for (const key of manifest === undefined ? [] : keysIn(manifest)) {
      const name = `${source.at("prefix").text ?? ""}${key}`;
      variables.set(name, { name, place: named, value: manifest && valueIn(manifest, key), source: kind });
    }
  }
  for (const item of place.at("env").items) {
    const variable = readVariable(item, { namespace, manifests, earlier: variables });
    variables.set(variable.name, variable);
  }
  return { place, image: place.at("image").text ?? "", environment: [...variables.values()], hasMore };
}

/** The ConfigMap or Secret that a variable is read from. */
export function referenceOf(variable: Place): Reference | undefined {
  return referenceAt(variable.at("valueFrom"), "KeyRef");
}

/** The ConfigMap or Secret that an item of `envFrom` takes all keys of. */
export function envFromReference(source: Place): Reference | undefined {
  return referenceAt(source, "Ref");
}

interface Reference {
  readonly kind: "ConfigMap" | "Secret";
  readonly place: Place;
}

function referenceAt(place: Place, suffix: string): Reference | undefined {
  const [map, secret] = [place.at(`configMap${suffix}`), place.at(`secret${suffix}`)];
  if (map.exists) return { kind: "ConfigMap", place: map };
  return secret.exists ? { kind: "Secret", place: secret } : undefined;
}

/** The text under a key of a ConfigMap or Secret. */
export function valueIn({ kind, root }: Manifest, key: string): string | undefined {
  const plain = root.at("stringData", key).scalar;
  if (kind === "Secret" && plain !== undefined) return plain;
  const value = root.at("data", key).scalar;
  return kind === "Secret" && value !== undefined ? Buffer.from(value, "base64").toString() : value;
}

function keysIn({ kind, root }: Manifest): string[] {
  const fields = kind === "Secret" ? ["data", "stringData"] : ["data"];
  return fields.flatMap((field) => root.at(field).entries.map(([key]) => key));
}

function readVariable(
  place: Place,
  {
    namespace,
    manifests,
    earlier,
  }: { namespace: string; manifests: Manifests; earlier: ReadonlyMap<string, EnvironmentVariable> },
): EnvironmentVariable {
  const name = place.at("name").text ?? "";
  const reference = referenceOf(place);
  if (reference !== undefined) {
    const manifest = manifests.find(reference.kind, namespace, reference.place.at("name").text ?? "");
    const value = manifest && valueIn(manifest, reference.place.at("key").text ?? "");
    return { name, place, value, source: reference.kind };
  }
  if (place.at("valueFrom").exists) return { name, place, value: undefined, source: "pod" };
  return { name, place, value: expand(place.at("value").scalar, earlier), source: "text" };
}

/** Fills in `$(NAME)` as a kubelet does: of variables before it only, and `$$(NAME)` stays as `$(NAME)`. Undefined where one is not known. */
function expand(
  text: string | undefined,
  earlier: ReadonlyMap<string, EnvironmentVariable>,
): string | undefined {
  if (text === undefined) return undefined;
  let isKnown = true;
  const expanded = text.replace(/\$\$|\$\(([-._a-zA-Z0-9]+)\)/g, (written: string, name?: string) => {
    if (name === undefined) return "$";
    const variable = earlier.get(name);
    if (variable === undefined) return written;
    if (variable.value === undefined) isKnown = false;
    return variable.value ?? "";
  });
  return isKnown ? expanded : undefined;
}
