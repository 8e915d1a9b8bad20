import type { PluginEntity } from "@kong-serverless/kong-host";

import type { IngressRoute } from "../manifests/cluster.ts";
import type { ClusterDns } from "../network/cluster-dns.ts";
import type { Endpoint } from "../network/endpoint.ts";

/** An Ingress path as the gateway serves it: with the plugin before it, and where its Service is reached. */
export interface GatewayRoute {
  readonly ingress: IngressRoute;
  readonly plugin: PluginEntity | undefined;
  readonly upstream: Endpoint;
}

/** Kong's ingress controller: makes a route of an Ingress path, and a plugin entity bound to it of its KongPlugin. */
export function toGatewayRoute(
  ingress: IngressRoute,
  dns: ClusterDns,
  keepWarmIntervalMs: number,
): GatewayRoute {
  const { namespace, name } = ingress.service.metadata;
  const upstream = new URL(dns.resolve(`http://${name}.${namespace}.svc:${ingress.servicePort}`) ?? "");
  return {
    ingress,
    upstream: { host: upstream.hostname, port: Number(upstream.port) },
    plugin: ingress.plugin && {
      id: `plugin.${ingress.plugin.metadata.name}.${ingress.name}`,
      name: ingress.plugin.plugin,
      config: { ...ingress.plugin.config, keepWarmIntervalMs },
      routeId: `route.${ingress.name}`,
      seq: 1,
    },
  };
}
