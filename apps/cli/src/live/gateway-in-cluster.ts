import { Place } from "../manifests/place.ts";
import { serviceAddress } from "../system/address.ts";
import type { Gateway } from "../system/gateway.ts";
import { readGateway } from "../system/gateway.ts";
import type { System } from "../system/system.ts";
import { selects, type Workload } from "../system/workload.ts";

/** The workloads behind the Service that tells the demand: the gateway's. */
function gatewayWorkloads({ scalers, manifests, workloads }: System): Workload[] {
  const services = scalers.flatMap(({ demands }) =>
    demands.flatMap(({ url }) => {
      const address = serviceAddress(url.href);
      return (address && manifests.find("Service", address.namespace, address.name)) ?? [];
    }),
  );
  return workloads.filter((workload) => services.some((service) => selects(service, workload)));
}

/** What the running gateway tells of itself, in the words of its chart. */
export function gatewayInCluster(system: System): Gateway {
  const [gateway] = gatewayWorkloads(system);
  if (gateway === undefined) return readGateway();
  const variables = gateway.containers.flatMap(({ environment }) => environment);
  const timeout = variables.find(({ name }) => name === "KONG_NGINX_PROXY_LUA_SOCKET_READ_TIMEOUT")?.value;
  const values = {
    replicaCount: gateway.manifest.root.at("spec", "replicas").number,
    terminationGracePeriodSeconds: gateway.template.at("spec", "terminationGracePeriodSeconds").number,
    env: { nginx_proxy_lua_socket_read_timeout: timeout },
    podAnnotations: Object.fromEntries(gateway.annotations),
  };
  return readGateway(new Place(values, []));
}
