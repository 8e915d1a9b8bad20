import { title } from "@kong-serverless/manifests";

import { fault, type Rule } from "../rule.ts";

const wanted = { aggregateFromKubeServiceEndpoints: "true", aggregationType: "sum", valueLocation: "demand" };

export const demandNotSummed: Rule = {
  code: "DEMAND_NOT_SUMMED",
  topic: "names",
  severity: "error",
  why: "Each gateway pod knows only its own requests: without the sum, KEDA sees the demand at one pod, a different one each time.",
  fix: 'Set aggregateFromKubeServiceEndpoints: "true", aggregationType: sum and valueLocation: demand.',
  *check({ scalers }) {
    for (const { manifest, demands } of scalers) {
      for (const trigger of demands) {
        for (const [field, value] of Object.entries(wanted)) {
          const place = trigger.place.at("metadata", field);
          if (place.scalar === value) continue;
          const found = place.exists ? JSON.stringify(place.value) : "nothing";
          yield fault(place, `${title(manifest)}: ${field} is ${found}, not "${value}"`);
        }
      }
    }
  },
};
