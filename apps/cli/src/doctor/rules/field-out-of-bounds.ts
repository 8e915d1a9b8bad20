import type { Rule } from "../rule.ts";
import { findSchemaFaults } from "../schema-rule.ts";

export const fieldOutOfBounds: Rule = {
  code: "FIELD_OUT_OF_BOUNDS",
  topic: "objects",
  severity: "error",
  why: "The API server refuses the object: the value is not allowed.",
  fix: "Choose an allowed value.",
  // A polling interval of zero has its own rule, which says more.
  check: (system) =>
    findSchemaFaults(system, {
      kind: "bounds",
      takes: ({ place }) => place.path !== "spec.pollingInterval",
    }),
};
