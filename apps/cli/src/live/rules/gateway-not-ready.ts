import { gatewayServices, title } from "@kong-serverless/manifests";

import { fault, type Rule } from "../../doctor/rule.ts";
import type { LiveSystem } from "../live-system.ts";
import { readyEndpoints } from "../ready-endpoints.ts";

export const gatewayNotReady: Rule<LiveSystem> = {
  code: "GATEWAY_NOT_READY",
  topic: "live",
  severity: "error",
  why: "No ready pod is behind the Service that tells the demand: the plugin server does not run, or its port is another.",
  fix: "Look at the gateway's pods and at the container of the plugin server.",
  *check(system) {
    for (const service of gatewayServices(system)) {
      if (readyEndpoints(system, service) > 0) continue;
      yield fault(service.root.at("spec", "selector"), `${title(service)} has no ready pod`);
    }
  },
};
