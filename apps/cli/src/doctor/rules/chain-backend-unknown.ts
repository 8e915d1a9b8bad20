import { chainedNames } from "@kong-serverless/config";

import { nearest } from "../distance.ts";
import { fault, notLookedAt, type Rule } from "../rule.ts";

export const chainBackendUnknown: Rule = {
  code: "CHAIN_BACKEND_UNKNOWN",
  topic: "names",
  severity: "error",
  why: "The gateway wakes nothing for a name that it does not know, and waits for nothing: requests reach a backend whose own backends sleep.",
  fix: "Name in alsoWake and waitFor what another backend has as its `name` (by default its topic), in this plugin or another one of the gateway.",
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
