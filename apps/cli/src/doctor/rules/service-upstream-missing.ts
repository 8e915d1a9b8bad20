import { title } from "@kong-serverless/manifests";

import { fault, type Rule } from "../rule.ts";

export const serviceUpstreamMissing: Rule = {
  code: "SERVICE_UPSTREAM_MISSING",
  topic: "numbers",
  severity: "warning",
  why: "Kong learns about a ready pod only at the ingress controller's next sync (every 3 s): the first requests after the hold are answered 503.",
  fix: 'Annotate the Service with ingress.kubernetes.io/service-upstream: "true".',
  *check({ routes, plugins }) {
    const held = new Set(plugins.map(({ manifest }) => manifest));
    const seen = new Set<unknown>();
    for (const { service, plugins: running } of routes) {
      if (service === undefined || seen.has(service)) continue;
      const annotation = service.root.at("metadata", "annotations", "ingress.kubernetes.io/service-upstream");
      if (!running.some((plugin) => held.has(plugin)) || annotation.text === "true") continue;
      seen.add(service);
      yield fault(annotation, `${title(service)} is reached pod by pod`);
    }
  },
};
