import { demandWatches, wakeWatches } from "@kong-serverless/manifests";

import { fault, type Rule } from "../rule.ts";

export const demandNotWatched: Rule = {
  code: "DEMAND_NOT_WATCHED",
  topic: "names",
  severity: "warning",
  why: "The wake queue only decides between zero and one: the backend never gets a second replica.",
  fix: "Add a metrics-api trigger on /demand/{name} to the ScaledObject, or set maxReplicaCount to 1.",
  *check(system) {
    for (const backend of system.backends) {
      const { name, wake, health } = backend.settings;
      if (wake === undefined || health === undefined || demandWatches(system, backend).length > 0) continue;
      const canGrow = wakeWatches(system, backend).some(({ scaler }) => {
        const known = new Set([...scaler.queues, ...scaler.demands].map(({ place }) => place.path));
        const triggers = scaler.manifest.root.at("spec", "triggers").items;
        // Another trigger, such as cpu, may ask for more.
        const hasOther = triggers.some(({ path, entries }) => entries.length > 0 && !known.has(path));
        return scaler.maxReplicas !== 1 && !hasOther;
      });
      if (!canGrow) continue;
      yield fault(backend.place.at("name"), `Backend ${name} has a wake trigger but none on /demand/${name}`);
    }
  },
};
