import {
  type GatewaySettings,
  gatewayServices,
  Place,
  readGateway,
  type System,
  type Workload,
  workloadsOf,
} from "@kong-serverless/manifests";

/** The workloads behind the Service that serves the demand: the gateway's. */
function gatewayWorkloads(system: System): Workload[] {
  return gatewayServices(system).flatMap((service) => workloadsOf(system, service));
}

/** The settings of the running gateway, under the names that its chart has for them. */
export function gatewayInCluster(system: System): GatewaySettings {
  const [gateway] = gatewayWorkloads(system);
  if (gateway === undefined) return readGateway();
  const variables = gateway.containers.flatMap(({ environment }) => environment);
  const setting = (directive: string) =>
    variables.find(({ name }) => name === `KONG_NGINX_PROXY_${directive.toUpperCase()}`)?.value;
  const values = {
    replicaCount: gateway.manifest.root.at("spec", "replicas").number,
    terminationGracePeriodSeconds: gateway.template.at("spec", "terminationGracePeriodSeconds").number,
    env: {
      nginx_proxy_lua_socket_read_timeout: setting("lua_socket_read_timeout"),
      nginx_proxy_lua_check_client_abort: setting("lua_check_client_abort"),
    },
    podAnnotations: Object.fromEntries(gateway.annotations),
  };
  // Its pod is among the workloads, and more truly than in these words.
  return { ...readGateway({ values: new Place(values, []), replaced: [] }), pod: undefined };
}
