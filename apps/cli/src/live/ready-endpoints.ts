import type { Manifest, System } from "@kong-serverless/manifests";

/** How many pods behind a Service are ready. */
export function readyEndpoints({ manifests }: System, { namespace, name }: Manifest): number {
  const slices = manifests
    .of("EndpointSlice")
    .filter((slice) => slice.namespace === namespace)
    .filter(({ root }) => root.at("metadata", "labels", "kubernetes.io/service-name").text === name);
  const endpoints = slices.flatMap(({ root }) => root.at("endpoints").items);
  // Unknown counts as ready: https://kubernetes.io/docs/concepts/services-networking/endpoint-slices/
  return endpoints.filter((endpoint) => endpoint.at("conditions", "ready").value !== false).length;
}
