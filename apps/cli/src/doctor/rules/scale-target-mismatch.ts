import { scalersOf, selects, servicesOf, title } from "@kong-serverless/manifests";

import { fault, type Rule } from "../rule.ts";

export const scaleTargetMismatch: Rule = {
  code: "SCALE_TARGET_MISMATCH",
  topic: "names",
  severity: "error",
  why: "The wake message starts a different workload: the one that the request is for stays at zero.",
  fix: "Make the ScaledObject that watches the backend scale the workload behind the route's Service.",
  *check(system) {
    for (const backend of system.backends) {
      // Something else manages the endpoints of a Service without a selector.
      const services = servicesOf(system, backend).filter(({ root }) => root.at("spec", "selector").exists);
      if (services.length === 0) continue;
      for (const { manifest, target } of scalersOf(system, backend)) {
        if (target === undefined || services.some((service) => selects(service, target))) continue;
        yield fault(
          manifest.root.at("spec", "scaleTargetRef", "name"),
          `${title(manifest)} wakes ${title(target.manifest)} for backend ${backend.settings.name}, whose requests go to ${services.map((service) => title(service)).join(", ")}`,
        );
      }
    }
  },
};
