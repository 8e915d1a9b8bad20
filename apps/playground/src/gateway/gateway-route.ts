import type { PluginEntity } from "@kong-serverless/kong-host";

import type { IngressRoute } from "../manifests/cluster.ts";
import type { Endpoint } from "../network/endpoint.ts";

/** An Ingress path as the gateway serves it: with the plugin before it, and where its Service is reached. */
export interface GatewayRoute {
  readonly ingress: IngressRoute;
  readonly plugin: PluginEntity | undefined;
  readonly upstream: Endpoint;
}
