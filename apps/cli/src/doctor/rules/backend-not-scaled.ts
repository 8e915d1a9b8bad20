import { demandWatches } from "@kong-serverless/manifests";

import { fault, notLookedAt, type Rule } from "../rule.ts";

export const backendNotScaled: Rule = {
  code: "BACKEND_NOT_SCALED",
  topic: "names",
  severity: "error",
  why: "Neither a wake queue nor its demand wakes the backend: requests are held until their deadline and answered 503.",
  fix: "Give the backend `pubsub` and `topic`, or its ScaledObject a metrics-api trigger on /demand/{name}.",
  *check(system) {
    for (const backend of system.backends) {
      const { name, wake } = backend.settings;
      if (wake !== undefined || demandWatches(system, backend).length > 0) continue;
      if (system.scalers.length === 0 && !system.manifests.isComplete) {
        yield notLookedAt(`whether backend ${name} is woken: no ScaledObject is among the manifests`);
        continue;
      }
      yield fault(backend.place, `Backend ${name} has no topic, and no ScaledObject watches /demand/${name}`);
    }
  },
};
