import { describe, expect, test } from "vitest";
import { z } from "zod";

import { kongSchema, toKongFields } from "./kong-schema.ts";

const fieldNamed = (name: string) => kongSchema.find((field) => name in field)?.[name];

describe("kongSchema", () => {
  test("gives Kong no default that depends on another field", () => {
    expect(fieldNamed("holdTimeoutMs")).toEqual({ type: "integer", between: [100, 3_600_000] });
    expect(fieldNamed("interval")).not.toHaveProperty("default");
  });

  test("gives Kong the defaults that depend on nothing", () => {
    expect(fieldNamed("readyLeaseMs")).toMatchObject({ type: "integer", default: 2000 });
  });

  test("requires `backend` and describes it as an array of records", () => {
    expect(fieldNamed("backend")).toMatchObject({
      type: "array",
      required: true,
      len_min: 1,
      elements: { type: "record" },
    });
  });
});

describe("toKongFields", () => {
  test("translates every kind of field that the plugin uses", () => {
    const schema = z.strictObject({
      flag: z.boolean().default(true),
      ratio: z.number().min(0).max(1),
      headers: z.record(z.string().max(9), z.string()).optional(),
      path: z.string().meta({ kong: { match: "^/" } }),
      pair: z
        .strictObject({ a: z.string().optional(), b: z.string().optional() })
        .meta({ kong: { entity_checks: [{ mutually_required: ["a", "b"] }] } })
        .optional(),
    });
    expect(toKongFields(schema)).toEqual([
      { flag: { type: "boolean", default: true } },
      { ratio: { type: "number", between: [0, 1], required: true } },
      { headers: { type: "map", keys: { type: "string", len_max: 9 }, values: { type: "string" } } },
      { path: { type: "string", match: "^/", required: true } },
      {
        pair: {
          type: "record",
          fields: [{ a: { type: "string" } }, { b: { type: "string" } }],
          entity_checks: [{ mutually_required: ["a", "b"] }],
        },
      },
    ]);
  });

  test("refuses a type that Kong does not have", () => {
    expect(() => toKongFields(z.object({ either: z.union([z.string(), z.int()]) }))).toThrow("no type for");
  });
});
