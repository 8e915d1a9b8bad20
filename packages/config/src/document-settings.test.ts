import { expect, test } from "vitest";
import { z } from "zod";

import { documentSettings } from "./document-settings.ts";

test("lists every setting with its path, values, default and meaning", () => {
  const schema = z.strictObject({
    port: z.string().transform(Number).pipe(z.int().min(0).max(9)).default(5).describe("A port."),
    mode: z.enum(["a", "b"]),
    agents: z.array(z.string()).default(["x", "y"]),
    statuses: z.strictObject({ min: z.int().min(1).max(2).default(1) }).prefault({}),
    backend: z.array(z.strictObject({ name: z.string().optional() })),
  });
  expect(documentSettings(schema)).toEqual([
    { path: "port", type: "0 to 9", default: "5", isRequired: false, description: "A port." },
    { path: "mode", type: "`a`, `b`", isRequired: true, description: "" },
    { path: "agents", type: "list of texts", default: "x, y", isRequired: false, description: "" },
    { path: "statuses", type: "record", isRequired: false, description: "" },
    { path: "statuses.min", type: "1 to 2", default: "1", isRequired: false, description: "" },
    { path: "backend", type: "list of records", isRequired: true, description: "" },
    { path: "backend[].name", type: "text", isRequired: false, description: "" },
  ]);
});
