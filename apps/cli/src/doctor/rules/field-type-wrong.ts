import type { Rule } from "../rule.ts";
import { findSchemaFaults } from "../schema-rule.ts";

export const fieldTypeWrong: Rule = {
  code: "FIELD_TYPE_WRONG",
  topic: "objects",
  severity: "error",
  why: "The API server refuses the object: the field has another type.",
  fix: "Write the value in the field's type. Quote a number or boolean that has to be a string.",
  check: (system) => findSchemaFaults(system, { kind: "type" }),
};
