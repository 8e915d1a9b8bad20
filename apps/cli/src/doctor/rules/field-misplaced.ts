import { homeOf, title } from "@kong-serverless/manifests";

import { nearest } from "../distance.ts";
import { fault, type Rule } from "../rule.ts";
import { findSchemaFaults } from "../schema-rule.ts";
import { triggerFields } from "../trigger-fields.ts";

const scaledObject = "keda.sh/v1alpha1/ScaledObject";

export const fieldMisplaced: Rule = {
  code: "FIELD_MISPLACED",
  topic: "objects",
  severity: "error",
  why: "Nothing reads the field where it is, and its default applies where it belongs.",
  fix: "Move the field to the place that the finding names.",
  *check(system) {
    yield* findSchemaFaults(system, {
      kind: "unknown",
      takes: ({ place, belongsTo, known = [] }) =>
        belongsTo !== undefined && nearest(place.path.replace(/^.*\./, ""), known) === undefined,
      hint: ({ belongsTo }) => `; it belongs to ${belongsTo}`,
    });
    // A trigger's metadata is free text.
    for (const { manifest } of system.scalers) {
      for (const trigger of manifest.root.at("spec", "triggers").items) {
        const fields = triggerFields(trigger.at("type").text ?? "");
        for (const [name, place] of trigger.at("metadata").entries) {
          const home = fields !== undefined && !fields.has(name) ? homeOf(name, scaledObject) : undefined;
          if (home === undefined) continue;
          yield fault(
            place,
            `${title(manifest)}: ${name} is not a setting of the trigger; it belongs to ${home}`,
          );
        }
      }
    }
  },
};
