/**
 * Writes packages/manifests/src/schema/kinds.json: which fields the kinds have that doctor checks, of Kubernetes' own
 * as
 * @kubernetes/client-node knows them and of the custom resource definitions in the folders that are given.
 *
 *     node scripts/generate-kinds.ts FOLDER...
 */
import { globSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { parseAllDocuments } from "yaml";

import type { Field, Kinds } from "../packages/manifests/src/schema/kinds.ts";

const root = join(import.meta.dirname, "..");
const models = join(root, "apps/cli/node_modules/@kubernetes/client-node/dist/gen/models");
const target = join(root, "packages/manifests/src/schema/kinds.json");

const native: Readonly<Record<string, string>> = {
  "v1/ConfigMap": "V1ConfigMap",
  "v1/LimitRange": "V1LimitRange",
  "v1/Namespace": "V1Namespace",
  "v1/PersistentVolumeClaim": "V1PersistentVolumeClaim",
  "v1/Pod": "V1Pod",
  "v1/ResourceQuota": "V1ResourceQuota",
  "v1/Secret": "V1Secret",
  "v1/Service": "V1Service",
  "v1/ServiceAccount": "V1ServiceAccount",
  "apps/v1/DaemonSet": "V1DaemonSet",
  "apps/v1/Deployment": "V1Deployment",
  "apps/v1/StatefulSet": "V1StatefulSet",
  "autoscaling/v2/HorizontalPodAutoscaler": "V2HorizontalPodAutoscaler",
  "batch/v1/CronJob": "V1CronJob",
  "batch/v1/Job": "V1Job",
  "networking.k8s.io/v1/Ingress": "V1Ingress",
  "networking.k8s.io/v1/IngressClass": "V1IngressClass",
  "networking.k8s.io/v1/NetworkPolicy": "V1NetworkPolicy",
  "policy/v1/PodDisruptionBudget": "V1PodDisruptionBudget",
  "rbac.authorization.k8s.io/v1/ClusterRole": "V1ClusterRole",
  "rbac.authorization.k8s.io/v1/ClusterRoleBinding": "V1ClusterRoleBinding",
  "rbac.authorization.k8s.io/v1/Role": "V1Role",
  "rbac.authorization.k8s.io/v1/RoleBinding": "V1RoleBinding",
};

/** Quantities: text in the models, but the API server also accepts numbers. */
const quantities = new Set([
  "limits",
  "requests",
  "capacity",
  "hard",
  "max",
  "min",
  "default",
  "defaultRequest",
  "maxLimitRequestRatio",
  "sizeLimit",
  "divisor",
  "averageValue",
  "overhead",
]);

const kinds: Kinds = { kinds: {}, types: {} };

for (const [kind, model] of Object.entries(native)) kinds.kinds[kind] = addModel(model);
for (const folder of process.argv.slice(2)) {
  for (const file of globSync("**/*.yaml", { cwd: folder })) {
    for (const document of parseAllDocuments(readFileSync(join(folder, file), "utf8"))) {
      addDefinition(document.toJS() as Definition | null);
    }
  }
}
writeFileSync(target, `${JSON.stringify(sorted(kinds))}\n`);

function addModel(model: string): string {
  if (kinds.types[model] !== undefined) return model;
  const fields: Record<string, Field> = {};
  kinds.types[model] = fields;
  const optional = readFileSync(join(models, `${model}.d.ts`), "utf8");
  const [, list = "[]"] =
    /attributeTypeMap = (\[[^]*?\n\]);/.exec(readFileSync(join(models, `${model}.js`), "utf8")) ?? [];
  const attributes = JSON.parse(list) as { name: string; baseName: string; type: string; format: string }[];
  for (const { name, baseName, type, format } of attributes) {
    const isRequired = optional.includes(`'${name}':`);
    const fieldType = quantities.has(baseName) ? quantityType(type) : modelType(type, format);
    fields[baseName] = { t: fieldType, ...(isRequired && { r: 1 }) };
  }
  return model;
}

function quantityType(type: string): string {
  if (type === "string") return "quantity";
  return type.startsWith("{") ? "{}quantity" : modelType(type, "");
}

function modelType(type: string, format: string): string {
  const [, item] = /^Array<(.*)>$/.exec(type) ?? [];
  if (item !== undefined) return `[]${modelType(item, format)}`;
  const [, value] = /^\{ \[key: string\]: (.*); \}$/.exec(type) ?? [];
  if (value !== undefined) return `{}${modelType(value, format)}`;
  if (type === "number") return format.startsWith("int") ? "int" : "number";
  if (type === "boolean") return "bool";
  if (type === "string" || type === "Date" || type === "V1MicroTime") return "string";
  if (type === "IntOrString") return "intOrString";
  return /^V\d/.test(type) ? addModel(type) : "any";
}

interface Definition {
  readonly kind: string;
  readonly spec: {
    readonly group: string;
    readonly names: { readonly kind: string };
    readonly versions: readonly {
      readonly name: string;
      readonly schema: { readonly openAPIV3Schema: Schema };
    }[];
  };
}

interface Schema {
  readonly type?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly items?: Schema;
  readonly additionalProperties?: Schema | boolean;
  readonly enum?: readonly unknown[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minItems?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly pattern?: string;
  readonly "x-kubernetes-int-or-string"?: boolean;
  readonly "x-kubernetes-preserve-unknown-fields"?: boolean;
}

function addDefinition(definition: Definition | null): void {
  if (definition?.kind !== "CustomResourceDefinition") return;
  const { group, names, versions } = definition.spec;
  for (const { name: version, schema } of versions) {
    const kind = `${group}/${version}/${names.kind}`;
    kinds.kinds[kind] = addSchema(kind, {
      ...schema.openAPIV3Schema,
      properties: {
        ...schema.openAPIV3Schema.properties,
        metadata: { type: "metadata" },
        // Written only by the API server.
        status: {},
      },
    });
  }
}

function addSchema(path: string, { properties = {}, required = [] }: Schema): string {
  const fields: Record<string, Field> = {};
  kinds.types[path] = fields;
  for (const [name, schema] of Object.entries(properties)) {
    const { enum: allowed, minimum, maximum, minItems, minLength, maxLength, pattern } = schema;
    fields[name] = {
      t: schemaType(`${path}.${name}`, schema),
      ...(required.includes(name) && { r: 1 }),
      ...(allowed && { enum: allowed.filter((value) => value !== "") }),
      ...(minimum !== undefined && { min: minimum }),
      ...(maximum !== undefined && { max: maximum }),
      ...((minItems ?? minLength) !== undefined && { least: minItems ?? minLength }),
      ...(maxLength !== undefined && { most: maxLength }),
      ...(pattern !== undefined && !pattern.includes("(?i)") && { pattern }),
    };
  }
  return path;
}

function schemaType(path: string, schema: Schema): string {
  if (schema["x-kubernetes-int-or-string"]) return "quantity";
  // It repeats a whole pod.
  if (path.endsWith("ScaledJob.spec.jobTargetRef")) return addModel("V1JobSpec");
  if (schema.type === "metadata") return addModel("V1ObjectMeta");
  if (schema.type === "array") return `[]${schema.items ? schemaType(`${path}[]`, schema.items) : "any"}`;
  if (schema.type === "string") return "string";
  if (schema.type === "integer") return "int";
  if (schema.type === "number") return "number";
  if (schema.type === "boolean") return "bool";
  const { additionalProperties: values } = schema;
  if (typeof values === "object") return `{}${schemaType(`${path}{}`, values)}`;
  if (schema["x-kubernetes-preserve-unknown-fields"] || schema.properties === undefined) return "any";
  return addSchema(path, schema);
}

function sorted({ kinds: names, types }: Kinds): Kinds {
  return { kinds: byName(names), types: byName(types) };
}

function byName<Value>(record: Record<string, Value>): Record<string, Value> {
  return Object.fromEntries(Object.entries(record).toSorted(([a], [b]) => (a < b ? -1 : 1)));
}
