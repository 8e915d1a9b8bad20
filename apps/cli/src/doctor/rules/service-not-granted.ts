import { title } from "@kong-serverless/manifests";

import { fault, type Rule } from "../rule.ts";

export const serviceNotGranted: Rule = {
  code: "SERVICE_NOT_GRANTED",
  topic: "names",
  severity: "error",
  why: "An HTTPRoute reaches a Service in another namespace only with a grant from there: Kong has no upstream for the route.",
  fix: "Add a ReferenceGrant to the Service's namespace: from HTTPRoute in gateway.networking.k8s.io and the route's namespace, to Service in the core group.",
  *check({ routes }) {
    for (const { manifest, place, service, isServiceGranted } of routes) {
      if (service === undefined || isServiceGranted) continue;
      yield fault(
        place.at("namespace"),
        `${title(manifest)} leads to ${title(service)}, whose namespace has no ReferenceGrant for it`,
      );
    }
  },
};
