import { nearest } from "../distance.ts";
import type { Rule } from "../rule.ts";
import { findSchemaFaults } from "../schema-rule.ts";

export const fieldUnknown: Rule = {
  code: "FIELD_UNKNOWN",
  topic: "objects",
  severity: "error",
  why: "kubectl refuses the object. Applied without validation, the field is dropped and has no effect.",
  fix: "Correct the field's name, or remove it.",
  check: (system) =>
    findSchemaFaults(system, {
      kind: "unknown",
      takes: ({ place, belongsTo, known = [] }) =>
        belongsTo === undefined || nearest(nameOf(place.path), known) !== undefined,
      hint: ({ place, known = [] }) => {
        const near = nearest(nameOf(place.path), known);
        return near === undefined ? "" : `; did you mean ${near}?`;
      },
    }),
};

function nameOf(path: string): string {
  return path.replace(/^.*\./, "");
}
