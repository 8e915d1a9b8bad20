import { title } from "@kong-serverless/manifests";

import { fault, type Rule } from "../../doctor/rule.ts";
import { condition } from "../conditions.ts";
import type { LiveSystem } from "../live-system.ts";

export const pluginRejected: Rule<LiveSystem> = {
  code: "PLUGIN_REJECTED",
  topic: "live",
  severity: "error",
  why: "The ingress controller could not give the plugin to Kong, which may not know it: the route runs without it.",
  fix: "The condition's message says why. Kong needs `serverless` in KONG_PLUGINS and the plugin's QUERY_CMD.",
  *check({ plugins }) {
    for (const { manifest } of plugins) {
      const programmed = condition(manifest, "Programmed");
      if (programmed?.at("status").text !== "False") continue;
      const why = programmed.at("message").text ?? programmed.at("reason").text ?? "no reason given";
      yield fault(programmed, `${title(manifest)}: ${why}`);
    }
  },
};
