import { findCycle } from "@kong-serverless/config";

import { fault, type Rule } from "../rule.ts";

export const chainWithoutEnd: Rule = {
  code: "CHAIN_WITHOUT_END",
  topic: "names",
  severity: "error",
  why: "Backends of several plugins name each other in a circle: a request for any of them wakes them all, and none can sleep while another is used.",
  fix: "Take one of the names out of alsoWake or waitFor. (Within one plugin's configuration the gateway refuses a circle.)",
  *check({ backends }) {
    const cycle = findCycle(backends.map(({ settings }) => settings));
    const first = backends.find(({ settings }) => settings.name === cycle?.[0]);
    if (cycle !== undefined && first !== undefined)
      yield fault(first.place, `The chain ${cycle.join(" -> ")} has no end`);
  },
};
