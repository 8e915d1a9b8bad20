import type { IncomingMessage } from "node:http";

import { Exchange } from "@kong-serverless/kong-host";

import type { GatewayRoute } from "./gateway-route.ts";

/** The request as Kong's plugins see it, with the route and service that Kong's ingress controller would have made. */
export function toExchange(
  request: IncomingMessage,
  { ingress, upstream }: GatewayRoute,
  port: number,
): Exchange {
  const [path = "/", rawQuery = ""] = (request.url ?? "/").split(/\?(.*)/s, 2);
  const service = {
    id: `service.${ingress.service.metadata.name}`,
    name: ingress.service.metadata.name,
    protocol: "http",
    host: upstream.host,
    port: upstream.port,
  };
  const exchange = new Exchange({
    request: {
      method: request.method ?? "GET",
      scheme: "http",
      host: (request.headers.host ?? "localhost").replace(/:\d+$/, ""),
      port,
      path,
      rawQuery,
      headers: request.headers as Record<string, string | string[]>,
      clientIp: request.socket.remoteAddress ?? "127.0.0.1",
    },
    route: {
      id: `route.${ingress.name}`,
      name: ingress.name,
      paths: [ingress.path],
      ...(ingress.host === undefined ? {} : { hosts: [ingress.host] }),
      strip_path: ingress.stripPath,
      service: { id: service.id },
    },
    service,
  });
  if (ingress.stripPath) exchange.upstream.path = `/${path.slice(ingress.path.length).replace(/^\//, "")}`;
  return exchange;
}
