import { title } from "@kong-serverless/manifests";

import { publishersIn } from "../publishers.ts";
import { fault, type Rule } from "../rule.ts";

export const componentScopeMissing: Rule = {
  code: "COMPONENT_SCOPE_MISSING",
  topic: "names",
  severity: "error",
  why: "Only the apps listed in its scopes load a Component; for all others it does not exist.",
  fix: "Add the publisher's dapr.io/app-id to the Component's scopes.",
  *check(system) {
    for (const { title: who, pubsub, namespace, appId } of publishersIn(system)) {
      const named = system.pubsubs.filter(
        ({ manifest }) =>
          manifest.name === pubsub && (namespace === undefined || manifest.namespace === namespace),
      );
      const [first] = named;
      if (appId === undefined || first === undefined) continue;
      if (named.some(({ scopes }) => scopes.length === 0 || scopes.includes(appId))) continue;
      const what = `${title(first.manifest)} is scoped to ${first.scopes.join(", ")}; ${who} publishes as ${appId}`;
      yield fault(first.manifest.root.at("scopes"), what);
    }
  },
};
