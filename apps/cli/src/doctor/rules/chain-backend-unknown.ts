import { chainedNames } from "@kong-serverless/config";

import { nearest } from "../distance.ts";
import { fault, notLookedAt, type Rule } from "../rule.ts";

export const chainBackendUnknown: Rule = {
  code: "CHAIN_BACKEND_UNKNOWN",
  topic: "names",
  severity: "error",
  why: "The gateway ignores a name that it does not know: requests reach a backend while the backends it depends on are asleep.",
  fix: "In alsoWake and waitFor, use the `name` of another backend (its topic by default), from this plugin or another one in the same gateway.",
  *check({ backends, plugins }) {
    const names = new Set(backends.map(({ settings }) => settings.name));
    const isHidden = plugins.some(({ backends: own, issues }) => own.length + issues.length === 0);
    for (const { settings, place } of backends) {
      for (const chained of chainedNames(settings)) {
        if (names.has(chained)) continue;
        if (isHidden) {
          yield notLookedAt(
            `whether there is a backend ${chained}, which ${settings.name} wakes: a plugin's configuration is in a Secret`,
          );
          continue;
        }
        const meant = nearest(chained, [...names]);
        const hint = meant === undefined ? "" : `; is ${meant} meant?`;
        yield fault(place, `Backend ${settings.name} wakes ${chained}, which no plugin configures${hint}`);
      }
    }
  },
};
