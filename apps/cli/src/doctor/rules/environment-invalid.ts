import { title } from "@kong-serverless/manifests";

import { fault, type Rule } from "../rule.ts";

export const environmentInvalid: Rule = {
  code: "ENVIRONMENT_INVALID",
  topic: "names",
  severity: "error",
  why: "The app refuses its environment and exits at once.",
  fix: "Correct the variable; docs/configuration.md lists all of them.",
  *check({ apps }) {
    for (const { workload, issues } of [...apps.consumers, ...apps.demoBackends]) {
      for (const { place, message } of issues) yield fault(place, `${title(workload.manifest)}: ${message}`);
    }
  },
};
