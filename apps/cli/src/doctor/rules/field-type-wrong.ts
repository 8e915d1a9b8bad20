import type { Rule } from "../rule.ts";
import { findSchemaFaults } from "../schema-rule.ts";

export const fieldTypeWrong: Rule = {
  code: "FIELD_TYPE_WRONG",
  topic: "objects",
  severity: "error",
  why: "The API server refuses the object: the field has another type.",
  fix: "Write the value as its type wants it; a number or switch that is to be text is quoted.",
  check: (system) => findSchemaFaults(system, { kind: "type" }),
};
