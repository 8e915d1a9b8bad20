import { servicesOf, title, workloadsOf } from "@kong-serverless/manifests";

import { fault, type Rule } from "../rule.ts";

export const healthDiffersFromProbe: Rule = {
  code: "HEALTH_DIFFERS_FROM_PROBE",
  topic: "names",
  severity: "warning",
  why: "The gateway ends the hold on one answer, and the kubelet opens the Service on another: requests are released to a Service without endpoints, or held although it has one.",
  fix: "Use the same path in the plugin's `health` and the container's readinessProbe.",
  *check(system) {
    for (const backend of system.backends) {
      const { health, name } = backend.settings;
      if (health === undefined) continue;
      const workloads = servicesOf(system, backend).flatMap((service) => workloadsOf(system, service));
      for (const { manifest, containers } of new Set(workloads)) {
        const path = containers[0]?.place.at("readinessProbe", "httpGet", "path");
        if (path?.text === undefined) continue;
        // Behind a prefix, the same endpoint may have two different paths.
        const [asked] = health.split("?");
        const [probed] = path.text.split("?");
        if (asked === undefined || probed === undefined) continue;
        if (probed.endsWith(asked) || asked.endsWith(probed)) continue;
        yield fault(
          path,
          `The gateway asks ${health} of backend ${name}; ${title(manifest)} is probed at ${path.text}`,
        );
      }
    }
  },
};
