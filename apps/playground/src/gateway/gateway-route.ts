import { pluginSchema } from "@kong-serverless/config";
import type { PluginEntity } from "@kong-serverless/kong-host";

import type { IngressRoute } from "../manifests/cluster.ts";
import type { KongPlugin } from "../manifests/kinds.ts";
import type { ClusterDns } from "../network/cluster-dns.ts";
import type { Endpoint } from "../network/endpoint.ts";

/** An Ingress path as the gateway serves it: with the plugin before it, and where its Service is reached. */
export interface GatewayRoute {
  readonly ingress: IngressRoute;
  readonly plugin: PluginEntity | undefined;
  readonly upstream: Endpoint;
}

/**
 * Kong's ingress controller: makes a route of an Ingress path, and a plugin entity bound to it of its KongPlugin, which keeps
 * warm at least every `longestKeepWarmMs`.
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

/** The plugin's backends, with those that name their own address where it is on this machine. */
function backendsHere({ config }: KongPlugin, dns: ClusterDns): unknown {
  const backends = config["backend"];
  if (!Array.isArray(backends)) return backends;
  return backends.map((backend: { upstream?: string } | null) => {
    const upstream = typeof backend?.upstream === "string" ? dns.resolve(backend.upstream) : undefined;
    return upstream === undefined ? backend : Object.assign({}, backend, { upstream });
  });
}

/** Of the plugin's schema. */
const keepWarmDefaultMs = pluginSchema.shape.keepWarmIntervalMs.parse(undefined);

function keepWarm({ config }: KongPlugin, longestMs: number): number {
  const own = config["keepWarmIntervalMs"];
  return typeof own === "number" ? Math.min(own, longestMs) : Math.min(keepWarmDefaultMs, longestMs);
}
