import type { HostPdk, PdkContext } from "./context.ts";
import { request } from "./request.ts";
import { response } from "./response.ts";
import { service } from "./service.ts";

const log =
  (level: "debug" | "info" | "warn" | "error") =>
  ({ log: hostLog, exchange }: PdkContext, ...values: unknown[]): void =>
    hostLog[level]({ message: values.map(String).join(""), request: exchange.id }, "plugin.logged");

export const hostPdk: HostPdk = {
  client: {
    getConsumer: ({ exchange }) => exchange.consumer,
    getIp: ({ exchange }) => exchange.request.clientIp,
    getForwardedIp: ({ exchange }) => exchange.request.clientIp,
    getPort: () => 0,
    getForwardedPort: () => 0,
  },
  ctx: {
    shared: {
      get: ({ exchange }, name) => exchange.shared.get(name),
      set: ({ exchange }, name, value) => void exchange.shared.set(name, value),
    },
  },
  log: {
    alert: log("error"),
    crit: log("error"),
    err: log("error"),
    warn: log("warn"),
    notice: log("info"),
    info: log("info"),
    debug: log("debug"),
  },
  nginx: {
    getVar: ({ exchange }, name) => nginxVariables(exchange)[name],
    getSubsystem: () => "http",
    reqStartTime: ({ exchange }) => exchange.startedAtMs / 1000,
  },
  node: {
    getId: ({ nodeId }) => nodeId,
  },
  request,
  response,
  router: {
    getRoute: ({ exchange }) => exchange.route,
    getService: ({ exchange }) => exchange.service,
  },
  service,
};

function nginxVariables({ id, request: client, variables }: PdkContext["exchange"]): Record<string, string> {
  const { method, scheme, host, path, rawQuery, clientIp, port } = client;
  return {
    request_id: id,
    request_method: method,
    request_uri: rawQuery === "" ? path : `${path}?${rawQuery}`,
    args: rawQuery,
    scheme,
    host,
    server_port: String(port),
    remote_addr: clientIp,
    ...variables,
  };
}
