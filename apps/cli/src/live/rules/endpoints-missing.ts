import { title, workloadsOf } from "@kong-serverless/manifests";

import { fault, type Rule } from "../../doctor/rule.ts";
import type { LiveSystem } from "../live-system.ts";
import { readyEndpoints } from "../ready-endpoints.ts";

export const endpointsMissing: Rule<LiveSystem> = {
  code: "ENDPOINTS_MISSING",
  topic: "live",
  severity: "warning",
  why: "The workload runs, but its Service has no ready pod: Kong has nowhere to send requests. During a cold start this is normal for a moment.",
  fix: "Look at the pods' readiness probes, and at the Service's selector and ports.",
  *check(system) {
    const services = new Set(system.routes.flatMap(({ service }) => service ?? []));
    for (const service of services) {
      if (readyEndpoints(system, service) > 0) continue;
      const running = workloadsOf(system, service).find(
        ({ manifest }) => (manifest.root.at("status", "replicas").number ?? 0) > 0,
      );
      if (running === undefined) continue;
      const what = `${title(service)} has no ready endpoint, although ${title(running.manifest)} has pods`;
      yield fault(service.root.at("spec", "selector"), what);
    }
  },
};
