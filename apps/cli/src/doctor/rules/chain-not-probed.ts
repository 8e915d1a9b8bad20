import { missingForProbes } from "@kong-serverless/config";

import { fault, type Rule } from "../rule.ts";

export const chainNotProbed: Rule = {
  code: "CHAIN_NOT_PROBED",
  topic: "names",
  severity: "error",
  why: "Without `health` the gateway considers the backend ready at once. Without `upstream` it cannot probe the backend before its first request: until then, requests that wait for it are answered 503.",
  fix: "Set `health` and `upstream` on the backend that waitFor names, or name it in alsoWake instead.",
  *check({ backends }) {
    for (const { settings, place } of backends) {
      for (const [index, name] of (settings.waitFor ?? []).entries()) {
        const awaited = backends.find((candidate) => candidate.settings.name === name);
        const missing = awaited && missingForProbes(awaited.settings);
        if (missing === undefined) continue;
        yield fault(
          place.at("waitFor", index),
          `Backend ${settings.name} waits for ${name}, which has no \`${missing}\``,
        );
      }
    }
  },
};
