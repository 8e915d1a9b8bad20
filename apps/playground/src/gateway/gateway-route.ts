import { pluginSchema } from "@kong-serverless/config";
import type { PluginEntity } from "@kong-serverless/kong-host";

import type { IngressRoute } from "../manifests/cluster.ts";
import type { KongPlugin } from "../manifests/kinds.ts";
import type { ClusterDns } from "../network/cluster-dns.ts";
import type { Endpoint } from "../network/endpoint.ts";

/** An Ingress path as the gateway serves it: its plugin, and the address of its Service. */
export interface GatewayRoute {
  readonly ingress: IngressRoute;
  readonly plugin: PluginEntity | undefined;
  readonly upstream: Endpoint;
}

/**
 * Plays Kong's ingress controller: turns an Ingress path into a route, and its KongPlugin into a plugin entity bound to
 * the route, which keeps warm at least every `longestKeepWarmMs`.
 */
export function toGatewayRoute(
  ingress: IngressRoute,
  dns: ClusterDns,
  longestKeepWarmMs: number,
): GatewayRoute {
  const { namespace, name } = ingress.service.metadata;
  const upstream = new URL(dns.resolve(`http://${name}.${namespace}.svc:${ingress.servicePort}`) ?? "");
  return {
    ingress,
    upstream: { host: upstream.hostname, port: Number(upstream.port) },
    plugin: ingress.plugin && {
      id: `plugin.${ingress.plugin.metadata.name}.${ingress.name}`,
      name: ingress.plugin.plugin,
      config: {
        ...ingress.plugin.config,
        backend: backendsHere(ingress.plugin, dns),
        keepWarmIntervalMs: keepWarm(ingress.plugin, longestKeepWarmMs),
      },
      routeId: `route.${ingress.name}`,
      seq: 1,
    },
  };
}

/** The plugin's backends, with their own addresses translated to this machine. */
function backendsHere({ config }: KongPlugin, dns: ClusterDns): unknown {
  const backends = config["backend"];
  if (!Array.isArray(backends)) return backends;
  return backends.map((backend: { upstream?: string } | null) => {
    const upstream = typeof backend?.upstream === "string" ? dns.resolve(backend.upstream) : undefined;
    return upstream === undefined ? backend : Object.assign({}, backend, { upstream });
  });
}

/** The plugin's default. */
const keepWarmDefaultMs = pluginSchema.shape.keepWarmIntervalMs.parse(undefined);

function keepWarm({ config }: KongPlugin, longestMs: number): number {
  const own = config["keepWarmIntervalMs"];
  return typeof own === "number" ? Math.min(own, longestMs) : Math.min(keepWarmDefaultMs, longestMs);
}
