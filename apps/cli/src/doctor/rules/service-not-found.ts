import { title } from "@kong-serverless/manifests";

import { fault, notLookedAt, type Rule } from "../rule.ts";

export const serviceNotFound: Rule = {
  code: "SERVICE_NOT_FOUND",
  topic: "names",
  severity: "error",
  why: "Kong has no upstream for the route: it answers 503, and the plugin has nothing to probe.",
  fix: "Make the route's backend match the name and port of a Service in its namespace.",
  *check({ routes, manifests }) {
    for (const { manifest, place, service, serviceName, serviceNamespace, port } of routes) {
      if (service === undefined) {
        const hasOthers = manifests.of("Service").some(({ namespace }) => namespace === serviceNamespace);
        if (!hasOthers && !manifests.isComplete) {
          yield notLookedAt(
            `Service ${serviceNamespace}/${serviceName ?? ""}, which ${title(manifest)} leads to: no Service of its namespace is among the manifests`,
          );
          continue;
        }
        const what = `${title(manifest)} leads to ${serviceName ?? "nothing"}, which namespace ${serviceNamespace} does not have`;
        yield fault(place.at("name"), what);
        continue;
      }
      const ports = service.root.at("spec", "ports").items;
      const field = typeof port.value === "string" ? "name" : "port";
      // An ExternalName Service needs no ports.
      if (ports.length === 0 && service.root.at("spec", "type").text === "ExternalName") continue;
      if (ports.some((candidate) => candidate.at(field).value === port.value)) continue;
      const found = ports.map((candidate) => String(candidate.at(field).value)).join(", ");
      const what = `${title(manifest)} leads to port ${String(port.value)} of ${title(service)}, which has ${found}`;
      yield fault(port, what);
    }
  },
};
