import { z } from "zod";

/** A setting as its documentation shows it. */
export interface DocumentedSetting {
  /** `backend[].name`, `probeStatuses.min`: how an error message would name it. */
  readonly path: string;
  /** What values are allowed, in words. */
  readonly type: string;
  /** As an operator would write it. Absent when there is none, or when it follows from others, as the description then says. */
  readonly default?: string;
  readonly isRequired: boolean;
  readonly description: string;
}

type JsonSchema = z.core.JSONSchema.JSONSchema;

/** Lists every setting of a schema, nested ones after their parents, in the schema's own words. */
export function documentSettings(schema: z.ZodObject): DocumentedSetting[] {
  // The documentation shows what is written, not what a transformation makes of it, but with the limits that only the latter knows.
  const read = z.toJSONSchema(schema, { io: "output", unrepresentable: "any" });
  const written = z.toJSONSchema(schema, { io: "input", unrepresentable: "any" });
  return [...settingsOf(read, new Set(written.required), "")];
}

function* settingsOf(
  { properties = {} }: JsonSchema,
  required: ReadonlySet<string>,
  parent: string,
): Generator<DocumentedSetting> {
  for (const [name, property] of Object.entries(properties)) {
    if (typeof property === "boolean") continue;
    const path = parent + name;
    yield {
      path,
      type: typeOf(property),
      ...defaultOf(property),
      isRequired: required.has(name),
      description: property.description ?? "",
    };
    const { items } = property;
    if (property.type === "object") yield* settingsOf(property, new Set(), `${path}.`);
    if (isRecord(items)) yield* settingsOf(items, new Set(), `${path}[].`);
  }
}

/** A record's default is that of its fields. */
function defaultOf({ default: value, type }: JsonSchema): { default?: string } {
  if (value === undefined || type === "object") return {};
  const list = Array.isArray(value) ? value : [value];
  return list.length === 0 ? {} : { default: list.map(String).join(", ") };
}

function typeOf({ type, enum: values, minimum, maximum, items, properties }: JsonSchema): string {
  if (values !== undefined) return values.map((value) => `\`${String(value)}\``).join(", ");
  if (type === "integer" || type === "number") return `${minimum} to ${maximum}`;
  if (type === "array") return isRecord(items) ? "list of records" : "list of texts";
  if (type === "object") return properties === undefined ? "texts by name" : "record";
  return type === "boolean" ? "true or false" : "text";
}

function isRecord(schema: JsonSchema["items"]): schema is JsonSchema {
  return typeof schema === "object" && !Array.isArray(schema) && schema.type === "object";
}
