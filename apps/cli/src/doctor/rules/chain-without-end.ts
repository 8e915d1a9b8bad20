import { findCycle } from "@kong-serverless/config";

import { fault, type Rule } from "../rule.ts";

export const chainWithoutEnd: Rule = {
  code: "CHAIN_WITHOUT_END",
  topic: "names",
  severity: "error",
  why: "Backends in several plugins form a cycle: a request for any of them wakes them all, and none can sleep while another is in use.",
  fix: "Remove one of the names from alsoWake or waitFor. (The gateway itself refuses a cycle within one plugin's configuration.)",
  *check({ backends }) {
    const cycle = findCycle(backends.map(({ settings }) => settings));
    const first = backends.find(({ settings }) => settings.name === cycle?.[0]);
    if (cycle !== undefined && first !== undefined)
      yield fault(first.place, `The chain ${cycle.join(" -> ")} has no end`);
  },
};
