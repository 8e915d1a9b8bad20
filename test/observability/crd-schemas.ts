import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

import type { Need } from "@kong-serverless/testing";
import { Ajv, type ValidateFunction } from "ajv";
import { parse } from "yaml";

interface Crd {
  readonly spec: {
    readonly group: string;
    readonly names: { readonly kind: string };
    readonly versions: readonly {
      readonly name: string;
      readonly schema: { readonly openAPIV3Schema: object };
    }[];
  };
}

/** The folder of custom resource definitions that CRD_SCHEMAS names; undefined where there is none. */
export function crdFolder(project: string): string | undefined {
  // A variable of the tests, not of an app: packages/config knows nothing of it.
  const folder = process.env["CRD_SCHEMAS"];
  if (folder === undefined || !existsSync(folder)) return undefined;
  const version = readdirSync(folder).find((name) => name.startsWith(`${project}-`));
  return version === undefined ? undefined : join(folder, version);
}

/** The custom resource definitions of a project. */
export function definitions(project: string): Need {
  return schemaNeed("custom resource definitions", crdFolder(project) !== undefined);
}

/** What the workflow downloads. */
export function schemaNeed(what: string, isMet: boolean): Need {
  return {
    what,
    remedy: "download them as .github/workflows/ci.yaml does, and name their folder in CRD_SCHEMAS",
    isMet,
  };
}

/** A check by `apiVersion/kind` of every definition in the folder. A field that a definition does not list is a fault. */
export function readCrdChecks(folder: string): ReadonlyMap<string, ValidateFunction> {
  const ajv = new Ajv({ strict: false, allErrors: true, validateFormats: false });
  const files = readdirSync(folder).filter((name) => name.endsWith(".yaml"));
  return new Map(
    files.flatMap((file) => {
      const { spec } = parse(readFileSync(join(folder, file), "utf8")) as Crd;
      return spec.versions.map(({ name, schema }): [string, ValidateFunction] => [
        `${spec.group}/${name}/${spec.names.kind}`,
        ajv.compile(strict(schema.openAPIV3Schema) as object),
      ]);
    }),
  );
}

/** Where a schema lists properties, others are not allowed. Kubernetes' own extensions become what they mean. */
function strict(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(strict);
  if (typeof schema !== "object" || schema === null) return schema;
  const source = schema as Record<string, unknown>;
  const result = Object.fromEntries(Object.entries(source).map(([key, value]) => [key, strict(value)]));
  // A flag at the start of a pattern is Go's; JavaScript wants a group around what it is for.
  if (typeof source["pattern"] === "string") {
    result["pattern"] = source["pattern"].replace(/^\^\(\?i\)(.*)$/, "^(?i:$1)");
  }
  const isOpen = source["x-kubernetes-preserve-unknown-fields"] === true;
  // An object's metadata is Kubernetes' own and not spelt out in a definition.
  if (source["type"] === "object" && typeof source["properties"] === "object" && !isOpen) {
    result["additionalProperties"] = false;
  }
  if (source["x-kubernetes-int-or-string"] === true) result["type"] = ["integer", "string"];
  return result;
}
