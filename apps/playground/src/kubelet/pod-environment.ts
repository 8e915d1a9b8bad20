import { queueName, queueRegion } from "@kong-serverless/manifests";

import type { ContainerSpec, Deployment } from "../manifests/kinds.ts";
import type { ClusterDns } from "../network/cluster-dns.ts";

export interface PodEnvironmentOptions {
  /** With the variables from ConfigMaps and Secrets filled in. */
  readonly deployment: Deployment;
  readonly podName: string;
  /** Container port -> the port of loopback that this pod has for it. */
  readonly ports: ReadonlyMap<number, number>;
  readonly dns: ClusterDns;
  /** The URL of the queue of this name in the playground's broker. */
  readonly queueUrl?: (name: string) => string;
  /** Variables that are injected into pods: by the identity webhook (AWS) and Dapr's injector. */
  readonly injected: Readonly<Record<string, string>>;
}

export const podIp = "127.0.0.1";

/**
 * A container's environment as in the manifest, adapted to one machine. Pods share an address, so a variable that holds
 * a container port gets this pod's port for it. There is no cluster DNS, so a Service's URL or address is replaced by
 * what is behind it. Queues of SQS become the playground's.
 */
export function podEnvironment(options: PodEnvironmentOptions): Record<string, string> {
  const { deployment, dns, ports, injected, queueUrl } = options;
  const [container] = deployment.spec.template.spec.containers;
  const own: Record<string, string> = {};
  for (const { name, value, valueFrom } of container?.env ?? []) {
    const written = value === undefined ? fieldOf(options, valueFrom?.fieldRef) : expand(value, own);
    if (written === undefined) continue;
    const port = ports.get(Number(written));
    if (port !== undefined) own[name] = String(port);
    else if (queueUrl !== undefined && queueRegion(written) !== undefined)
      own[name] = queueUrl(queueName(written));
    else own[name] = dns.resolve(written) ?? written;
  }
  return { ...injected, ...own };
}

type Variable = ContainerSpec["env"][number];

function fieldOf(
  { deployment, podName }: PodEnvironmentOptions,
  reference: NonNullable<Variable["valueFrom"]>["fieldRef"],
): string | undefined {
  if (reference === undefined) return undefined;
  return {
    "status.podIP": podIp,
    "metadata.name": podName,
    "metadata.namespace": deployment.metadata.namespace,
  }[reference.fieldPath];
}

/** Expands `$(NAME)` of an earlier variable and `$$`, as a kubelet does. */
function expand(text: string, earlier: Readonly<Record<string, string>>): string {
  return text.replace(/\$\$|\$\(([-._a-zA-Z0-9]+)\)/g, (written: string, name?: string) =>
    name === undefined ? "$" : (earlier[name] ?? written),
  );
}
