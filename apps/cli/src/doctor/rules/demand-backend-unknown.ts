import { title } from "@kong-serverless/manifests";

import { fault, notLookedAt, type Rule } from "../rule.ts";

export const demandBackendUnknown: Rule = {
  code: "DEMAND_BACKEND_UNKNOWN",
  topic: "names",
  severity: "error",
  why: "The gateway answers 0 for a name that it does not know: the trigger never scales.",
  fix: "End the trigger's url with /demand/ and the backend's `name` in the plugin's configuration.",
  *check({ scalers, backends, plugins, manifests }) {
    const names = new Set(backends.map(({ settings }) => settings.name));
    const isHidden = plugins.some(({ backends: own, issues }) => own.length + issues.length === 0);
    for (const { manifest, demands } of scalers) {
      for (const { backend, place } of demands) {
        if (names.has(backend)) continue;
        if (isHidden) {
          yield notLookedAt(
            `whether there is a backend ${backend}, whose demand ${title(manifest)} asks for: a plugin's configuration is in a Secret`,
          );
          continue;
        }
        if (plugins.length === 0 && !manifests.isComplete) {
          yield notLookedAt(
            `whether there is a backend ${backend}, whose demand ${title(manifest)} asks for: no KongPlugin is among the manifests`,
          );
          continue;
        }
        const what = `${title(manifest)} asks for the demand of ${backend}; the backends are ${[...names].join(", ") || "none"}`;
        yield fault(place.at("metadata", "url"), what);
      }
    }
  },
};
