import { demandWatches, title, wakeWatches } from "@kong-serverless/manifests";

import { fault, notLookedAt, type Rule } from "../rule.ts";

export const scalingFormulaLeavesOut: Rule = {
  code: "SCALING_FORMULA_LEAVES_OUT",
  topic: "names",
  severity: "error",
  why: "With a formula, only its result counts, also at zero: a trigger that it does not name wakes nothing.",
  fix: "Name the wake trigger and the demand trigger in spec.advanced.scalingModifiers.formula, or remove the formula.",
  *check(system) {
    for (const backend of system.backends) {
      for (const { scaler, trigger } of [
        ...wakeWatches(system, backend),
        ...demandWatches(system, backend),
      ]) {
        if (scaler.formula === undefined) continue;
        const { text: name } = trigger.place.at("name");
        const names = new Set((scaler.formula.text ?? "").match(/[A-Za-z_]\w*/g));
        if (name === undefined || !names.has(name)) {
          yield fault(
            scaler.formula,
            `${title(scaler.manifest)}: its formula does not name the trigger ${name ?? trigger.place.path} of backend ${backend.settings.name}`,
          );
        } else {
          yield notLookedAt(
            `the numbers of ${title(scaler.manifest)}: a formula replaces what its triggers ask for`,
          );
        }
      }
    }
  },
};
