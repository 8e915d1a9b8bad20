import { create, type DescMessage, type Message, ScalarType } from "@bufbuild/protobuf";

/** The plain table that a message stands for: Kong's field names, numbers for all integers, no field for what is absent. */
export function toKongTable(schema: DescMessage, message: Message): Record<string, unknown> {
  const table: Record<string, unknown> = {};
  for (const field of schema.fields) {
    const value = (message as unknown as Record<string, unknown>)[field.localName];
    if (value === undefined || (Array.isArray(value) && value.length === 0)) continue;
    if (field.fieldKind === "message") table[field.name] = toKongTable(field.message, value as Message);
    else table[field.name] = typeof value === "bigint" ? Number(value) : value;
  }
  return table;
}

/** The reverse of `toKongTable`. Fields that the schema does not know are left out. */
export function fromKongTable(schema: DescMessage, table: object): Message {
  const init: Record<string, unknown> = {};
  for (const field of schema.fields) {
    const value = (table as Record<string, unknown>)[field.name];
    if (value === undefined || value === null) continue;
    if (field.fieldKind === "message") init[field.localName] = fromKongTable(field.message, value);
    else init[field.localName] = isInt64(field.scalar) ? BigInt(value as number) : value;
  }
  return create(schema, init);
}

function isInt64(scalar: ScalarType | undefined): boolean {
  return scalar === ScalarType.INT64;
}
