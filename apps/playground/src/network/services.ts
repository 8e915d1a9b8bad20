import { podIp } from "../kubelet/pod-environment.ts";
import type { ReplicaSet } from "../kubelet/replica-set.ts";
import type { KubernetesService } from "../manifests/kinds.ts";
import type { ClusterDns } from "./cluster-dns.ts";
import type { Endpoint } from "./endpoint.ts";
import { ServiceProxy } from "./service-proxy.ts";

export interface ServicesOptions {
  readonly services: readonly KubernetesService[];
  readonly replicaSets: ReadonlyMap<string, ReplicaSet>;
  /** Addresses of the gateway's plugin server by its port in a cluster, for Services that select the gateway's pods. */
  readonly pluginServer: ReadonlyMap<number | string, Endpoint>;
  readonly dns: ClusterDns;
}

/** The labels of the gateway's pods in a cluster: ours, and those of Kong's chart. */
const gatewayLabels: Readonly<Record<string, string>> = {
  "kong-serverless/gateway": "true",
  "app.kubernetes.io/name": "gateway",
  "app.kubernetes.io/instance": "kong",
};

/** Makes every Service reachable: a backend's through its own proxy, the gateway's directly at the plugin server. */
export async function startServices(
  { services, replicaSets, pluginServer, dns }: ServicesOptions,
  stack: AsyncDisposableStack,
): Promise<void> {
  for (const service of services) {
    const { metadata, spec } = service;
    const selected = [...replicaSets.values()].filter(({ labels }) => leadsTo(service, labels));
    for (const { port, targetPort = port } of spec.ports) {
      const address = leadsTo(service, gatewayLabels)
        ? pluginServer.get(targetPort)
        : await proxyTo(() => selected.flatMap((replicaSet) => replicaSet.readyEndpoints(targetPort)), stack);
      if (address) dns.add(metadata.namespace, metadata.name, port, address);
    }
  }
}

async function proxyTo(endpoints: () => readonly Endpoint[], stack: AsyncDisposableStack): Promise<Endpoint> {
  const proxy = await ServiceProxy.start(endpoints);
  stack.defer(() => proxy.stop());
  return { host: podIp, port: proxy.port };
}

/** Whether a Service leads to pods with these labels. */
export function leadsTo({ spec }: KubernetesService, labels: Readonly<Record<string, string>>): boolean {
  const wanted = Object.entries(spec.selector);
  // Without a selector, something else manages its endpoints.
  return wanted.length > 0 && wanted.every(([name, value]) => labels[name] === value);
}
