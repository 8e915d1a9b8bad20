import { z } from "zod";

import { pluginSchema } from "./plugin-schema.ts";

/** A field in Kong's schema language: https://developer.konghq.com/custom-plugins/schema.lua/ */
interface KongField {
  readonly type: "string" | "integer" | "number" | "boolean" | "array" | "record" | "map";
  readonly [attribute: string]: unknown;
}

/** Kong lists a record's fields one by one, each as an object with a single key. */
export type KongFields = readonly Readonly<Record<string, KongField>>[];

type JsonSchema = z.core.JSONSchema.JSONSchema & {
  /** What Kong's schema says otherwise than JSON Schema: patterns, which are Lua's there. Comes from `.meta({ kong })`. */
  readonly kong?: Readonly<Record<string, unknown>>;
};

/** Translates a zod object into the fields of a Kong record. Rules across fields are left out where `.meta({ kong })` has none. */
export function toKongFields(schema: z.ZodObject): KongFields {
  return recordFields(z.toJSONSchema(schema, { io: "input" }) as JsonSchema);
}

/** The plugin's configuration in Kong's schema language, for QUERY_CMD. */
export const kongSchema: KongFields = toKongFields(pluginSchema);

function recordFields({ properties = {}, required = [] }: JsonSchema): KongFields {
  return Object.entries(properties).map(([name, property]) => {
    const field = toField(property as JsonSchema);
    return { [name]: required.includes(name) ? { ...field, required: true } : field };
  });
}

function toField(schema: JsonSchema): KongField {
  const field: KongField = { ...typeOf(schema), ...schema.kong };
  return schema.default === undefined || isEmpty(schema.default)
    ? field
    : { ...field, default: schema.default };
}

/** Kong's tables do not tell an empty list from an empty record, so such a default is left to the plugin. */
function isEmpty(value: unknown): boolean {
  return typeof value === "object" && value !== null && Object.keys(value).length === 0;
}

function typeOf(schema: JsonSchema): KongField {
  switch (schema.type) {
    case "string":
      return { type: "string", ...lengths(schema.minLength, schema.maxLength) };
    case "integer":
    case "number":
      return { type: schema.type, ...between(schema) };
    case "boolean":
      return { type: "boolean" };
    case "array":
      return {
        type: "array",
        elements: toField(schema.items as JsonSchema),
        ...lengths(schema.minItems, schema.maxItems),
      };
    case "object":
      if (schema.properties !== undefined) return { type: "record", fields: recordFields(schema) };
      return {
        type: "map",
        keys: toField(schema.propertyNames as JsonSchema),
        values: toField(schema.additionalProperties as JsonSchema),
      };
    case "null":
    case undefined:
      break;
  }
  throw new TypeError(`Kong's schema has no type for ${JSON.stringify(schema)}`);
}

function lengths(min: number | undefined, max: number | undefined): object {
  return { ...(min !== undefined && { len_min: min }), ...(max !== undefined && { len_max: max }) };
}

function between({ minimum, maximum }: JsonSchema): object {
  return minimum === undefined || maximum === undefined ? {} : { between: [minimum, maximum] };
}
