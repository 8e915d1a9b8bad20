import { Manifests, readManifests, type Step, toManifest } from "@kong-serverless/manifests";

import { readOptions } from "./read-options.ts";

type Document = Record<string, unknown>;

/** A mistake in manifests. */
export type Mistake = (documents: Document[]) => void;

/** The shipped base with mistakes in it. */
export async function plant(...mistakes: readonly Mistake[]): Promise<Manifests> {
  const { all } = await readManifests({ overlay: "base" }, readOptions());
  const planted = all.map(({ root }) => structuredClone(root.value) as Document);
  for (const mistake of mistakes) mistake(planted);
  return new Manifests(
    planted.flatMap((document) => toManifest(document, [{ file: "planted.yaml", document }]) ?? []),
  );
}

/** Sets a field of the object `KIND/NAME`, in every namespace that has it; `undefined` removes it. */
export function set(object: string, steps: readonly Step[], value: unknown): Mistake {
  return (documents) => {
    const found = documents.filter((document) => nameOf(document) === object);
    if (found.length === 0) throw new Error(`the base has no ${object}`);
    for (const document of found) setAt(document, steps, value);
  };
}

export function remove(object: string): Mistake {
  return (documents) => {
    for (let index = documents.length; index-- > 0;) {
      if (nameOf(documents[index]) === object) documents.splice(index, 1);
    }
  };
}

export function add(...added: readonly Document[]): Mistake {
  return (documents) => void documents.push(...added);
}

/** Another object of the same kind, with some fields changed. */
export function copy(
  object: string,
  ...changes: readonly (readonly [steps: readonly Step[], value: unknown])[]
): Mistake {
  return (documents) => {
    const original = documents.find((document) => nameOf(document) === object);
    const copied = structuredClone(original) ?? {};
    for (const [steps, value] of changes) setAt(copied, steps, value);
    documents.push(copied);
  };
}

/** Sets a variable of the first container. */
export function setVariable(deployment: string, name: string, value: string | undefined): Mistake {
  return (documents) => {
    const document = documents.find((candidate) => nameOf(candidate) === `Deployment/${deployment}`);
    const container = valueAt(document, ["spec", "template", "spec", "containers", 0]) as { env: Document[] };
    container.env = container.env.filter((variable) => variable["name"] !== name);
    if (value !== undefined) container.env.push({ name, value });
  };
}

function nameOf(document: Document | undefined): string {
  return `${String(document?.["kind"])}/${String(valueAt(document, ["metadata", "name"]))}`;
}

function setAt(document: Document, steps: readonly Step[], value: unknown): void {
  const [last = "", ...path] = steps.toReversed();
  let parent = document as Record<Step, unknown>;
  for (const step of path.toReversed()) parent = (parent[step] ??= {}) as Record<Step, unknown>;
  if (value === undefined) delete parent[last];
  else parent[last] = value;
}

function valueAt(root: unknown, steps: readonly Step[]): unknown {
  return steps.reduce<unknown>((value, step) => (value as Record<Step, unknown> | undefined)?.[step], root);
}
