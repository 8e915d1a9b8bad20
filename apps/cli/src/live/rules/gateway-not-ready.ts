import { gatewayServices, title } from "@kong-serverless/manifests";

import { fault, type Rule } from "../../doctor/rule.ts";
import type { LiveSystem } from "../live-system.ts";
import { readyEndpoints } from "../ready-endpoints.ts";

export const gatewayNotReady: Rule<LiveSystem> = {
  code: "GATEWAY_NOT_READY",
  topic: "live",
  severity: "error",
  why: "The Service that serves the demand has no ready pod: the plugin server is not running, or listens on another port.",
  fix: "Look at the gateway's pods and at the plugin server's container.",
  *check(system) {
    for (const service of gatewayServices(system)) {
      if (readyEndpoints(system, service) > 0) continue;
      yield fault(service.root.at("spec", "selector"), `${title(service)} has no ready pod`);
    }
  },
};
