import type { Rule } from "../rule.ts";
import { findSchemaFaults } from "../schema-rule.ts";

export const fieldMissing: Rule = {
  code: "FIELD_MISSING",
  topic: "objects",
  severity: "error",
  why: "The API server refuses the object: the field is required.",
  fix: "Add the field.",
  check: (system) => findSchemaFaults(system, { kind: "missing" }),
};
