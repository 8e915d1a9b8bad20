import { ConfigError } from "@kong-serverless/config";

import type { Deployment } from "../manifests/kinds.ts";
import type { ClusterDns } from "../network/cluster-dns.ts";

export interface PodEnvironmentOptions {
  readonly deployment: Deployment;
  readonly podName: string;
  /** Container port -> the port of loopback that this pod has for it. */
  readonly ports: ReadonlyMap<number, number>;
  readonly configMaps: ReadonlyMap<string, Readonly<Record<string, string>>>;
  readonly dns: ClusterDns;
  /** What others inject into pods: the identity webhook (AWS variables) and Dapr's injector. */
  readonly injected: Readonly<Record<string, string>>;
}

export const podIp = "127.0.0.1";

/**
 * A container's environment as the manifest has it, moved to one machine: pods share an address, so a variable that holds a
 * container port gets this pod's own port for it; and there is no cluster DNS, so a Service's URL or address becomes that
 * of what is behind it.
 */
export function podEnvironment(options: PodEnvironmentOptions): Record<string, string> {
  const { deployment, dns, ports, injected } = options;
  const [container] = deployment.spec.template.spec.containers;
  const entries = (container?.env ?? []).flatMap(({ name, value, valueFrom }) => {
    const written = value ?? readReference(options, name, valueFrom);
    if (written === undefined) return [];
    const port = ports.get(Number(written));
    return [[name, port === undefined ? (dns.resolve(written) ?? written) : String(port)] as const];
  });
  return { ...injected, ...Object.fromEntries(entries) };
}

type ValueFrom = NonNullable<
  Deployment["spec"]["template"]["spec"]["containers"][number]["env"][number]["valueFrom"]
>;

function readReference(
  { deployment, podName, configMaps }: PodEnvironmentOptions,
  variable: string,
  reference: ValueFrom | undefined,
): string | undefined {
  const { name, namespace } = deployment.metadata;
  if (reference?.fieldRef) {
    return { "status.podIP": podIp, "metadata.name": podName, "metadata.namespace": namespace }[
      reference.fieldRef.fieldPath
    ];
  }
  if (!reference?.configMapKeyRef) return undefined;
  const { name: map, key, optional } = reference.configMapKeyRef;
  const value = configMaps.get(`${namespace}/${map}`)?.[key];
  if (value === undefined && !optional) {
    throw new ConfigError(`Deployment ${name}: env ${variable}`, [
      `configMapKeyRef: found ConfigMap "${map}", key "${key}"; there is no such key in namespace ${namespace}`,
    ]);
  }
  return value;
}
