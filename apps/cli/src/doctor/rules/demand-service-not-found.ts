import { serviceAddress, title } from "@kong-serverless/manifests";

import { fault, notLookedAt, type Rule } from "../rule.ts";

export const demandServiceNotFound: Rule = {
  code: "DEMAND_SERVICE_NOT_FOUND",
  topic: "names",
  severity: "error",
  why: "The scaler cannot read the demand, and while a trigger fails KEDA does not scale to zero.",
  fix: "Make the host and port in the trigger's url match the plugin server's Service (SERVICE.NAMESPACE.svc, with the pod's port where endpoints are asked one by one).",
  *check({ scalers, manifests }) {
    for (const { manifest, demands } of scalers) {
      for (const { place, url } of demands) {
        const where = place.at("metadata", "url");
        const asks = `${title(manifest)} asks ${url.host}`;
        const address = serviceAddress(url.href);
        if (address === undefined) {
          yield fault(where, `${asks}: this is not the address of a Service`);
          continue;
        }
        const service = manifests.find("Service", address.namespace, address.name);
        if (service === undefined) {
          const hasOthers = manifests.of("Service").some(({ namespace }) => namespace === address.namespace);
          if (!hasOthers && !manifests.isComplete) {
            yield notLookedAt(`${asks}: no Service of namespace ${address.namespace} is among the manifests`);
            continue;
          }
          yield fault(where, `${asks}: there is no such Service`);
          continue;
        }
        // Endpoints that are asked one by one are the pods'.
        const isPerPod = place.at("metadata", "aggregateFromKubeServiceEndpoints").isTrue;
        const ports = service.root
          .at("spec", "ports")
          .items.map((port) =>
            isPerPod && port.at("targetPort").exists ? port.at("targetPort") : port.at("port"),
          );
        const isThere = ports.some(
          (port) => port.number === address.port || (isPerPod && port.text !== undefined),
        );
        if (isThere) continue;
        const found = ports.map(({ value }) => String(value)).join(", ");
        yield fault(where, `${asks}: ${title(service)} has ${isPerPod ? "the pod port" : "port"} ${found}`);
      }
    }
  },
};
