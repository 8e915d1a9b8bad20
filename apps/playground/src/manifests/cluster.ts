import { isDeepStrictEqual } from "node:util";

import { type BackendSettings, ConfigError, parsePluginConfig } from "@kong-serverless/config";

import type { Component, Deployment, Ingress, KongPlugin, ScaledObject, Service } from "./kinds.ts";
import type { Manifest, Manifests } from "./read-manifests.ts";

/** A workload that KEDA scales, with the ScaledObject that says how. */
interface ScaleTarget {
  readonly name: string;
  readonly deployment: Deployment;
  readonly scaledObject: ScaledObject;
  /** The plugin's backend that it serves; undefined for a worker, whose queue holds work. */
  readonly backend: BackendSettings | undefined;
}

/** A path of an Ingress, with the Service that it leads to and the plugin that stands before it. */
export interface IngressRoute {
  readonly name: string;
  readonly host: string | undefined;
  readonly path: string;
  readonly pathType: "Prefix" | "Exact";
  readonly stripPath: boolean;
  readonly service: Service;
  readonly servicePort: number;
  readonly plugin: KongPlugin | undefined;
}

/** The manifests joined by the names that must agree. */
export interface Cluster {
  readonly scaleTargets: readonly ScaleTarget[];
  readonly routes: readonly IngressRoute[];
  readonly services: readonly Service[];
  readonly plugins: readonly Manifest<KongPlugin>[];
  /** Every backend that the plugins name, with its defaults resolved. */
  readonly backends: readonly BackendSettings[];
  readonly pubsub: Component;
  readonly configMaps: ReadonlyMap<string, Readonly<Record<string, string>>>;
}

/** Joins the manifests. A name that leads nowhere fails with a ConfigError: who names it, and what there is. */
export function joinCluster(manifests: Manifests): Cluster {
  const services = manifests.of("Service");
  const deployments = manifests.of("Deployment");
  const plugins = manifests.of("KongPlugin");
  const components = manifests.of("Component");
  const backends = plugins.flatMap(({ source, resource }) =>
    parsePluginConfig(resource.config, `${source}: config`).backends.map(({ settings }) => settings),
  );
  const pubsub = onePubsub(components);
  return {
    scaleTargets: manifests.of("ScaledObject").map(({ source, resource }) => {
      const { name } = resource.spec.scaleTargetRef;
      return {
        name,
        deployment: find(
          deployments,
          resource.metadata.namespace,
          name,
          `${source}: spec.scaleTargetRef.name`,
        ),
        scaledObject: resource,
        backend: backends.find((backend) => isScaledFor(resource, backend)),
      };
    }),
    routes: manifests.of("Ingress").flatMap((ingress) => joinIngress(ingress, services, plugins)),
    services: services.map(({ resource }) => resource),
    plugins,
    backends,
    pubsub,
    configMaps: new Map(
      manifests
        .of("ConfigMap")
        .map(({ resource: { metadata, data } }) => [`${metadata.namespace}/${metadata.name}`, data]),
    ),
  };
}

/** The queues that a ScaledObject watches. A queue has the name of the topic that it is subscribed to. */
export function queuesOf({ spec }: ScaledObject): string[] {
  return spec.triggers.flatMap((trigger) =>
    trigger.type === "aws-sqs-queue" ? [trigger.metadata.queueURL] : [],
  );
}

/** Whether one of the triggers watches the backend: its wake queue, its demand or its wakes themselves. */
function isScaledFor({ metadata, spec }: ScaledObject, { name, wake }: BackendSettings): boolean {
  return spec.triggers.some((trigger) => {
    switch (trigger.type) {
      case "metrics-api":
        return new URL(trigger.metadata.url).pathname === `/demand/${name}`;
      case "external-push":
        return (trigger.metadata.backend ?? metadata.name) === name;
      case "aws-sqs-queue":
        return trigger.metadata.queueURL === wake?.topic;
    }
  });
}

/** One sidecar plays those of all pods, so what each namespace has for its own sidecars must be the same. */
function onePubsub(components: readonly Manifest<Component>[]): Component {
  const [first] = components;
  const different = components.find(
    ({ resource: { metadata, spec } }) =>
      metadata.name !== first?.resource.metadata.name || !isDeepStrictEqual(spec, first.resource.spec),
  );
  if (first && !different) return first.resource;
  throw new ConfigError(different?.source ?? "The manifests", [
    `${components.length} Dapr Components found; allowed: one, or the same one in several namespaces`,
  ]);
}

function joinIngress(
  { source, resource: { metadata, spec } }: Manifest<Ingress>,
  services: readonly Manifest<Service>[],
  plugins: readonly Manifest<KongPlugin>[],
): IngressRoute[] {
  const pluginName = metadata.annotations["konghq.com/plugins"];
  const plugin =
    pluginName === undefined
      ? undefined
      : find(
          plugins,
          metadata.namespace,
          pluginName,
          `${source}: metadata.annotations["konghq.com/plugins"]`,
        );
  return spec.rules.flatMap((rule, ruleIndex) =>
    rule.http.paths.map(({ path, pathType, backend }, pathIndex) => {
      const at = `${source}: spec.rules[${ruleIndex}].http.paths[${pathIndex}].backend.service`;
      const service = find(services, metadata.namespace, backend.service.name, `${at}.name`);
      const ports = service.spec.ports.map(({ port }) => port);
      if (!ports.includes(backend.service.port.number)) {
        throw new ConfigError(`${at}.port.number`, [
          `found ${backend.service.port.number}; allowed: a port of Service ${service.metadata.name} (${ports.join(", ")})`,
        ]);
      }
      return {
        name: `${metadata.namespace}.${metadata.name}.${ruleIndex}.${pathIndex}`,
        host: rule.host,
        path,
        pathType,
        // The ingress controller's default.
        stripPath: metadata.annotations["konghq.com/strip-path"] === "true",
        service,
        servicePort: backend.service.port.number,
        plugin,
      };
    }),
  );
}

function find<Resource extends { metadata: { name: string; namespace: string } }>(
  manifests: readonly Manifest<Resource>[],
  namespace: string,
  name: string,
  where: string,
): Resource {
  const inNamespace = manifests.filter(({ resource }) => resource.metadata.namespace === namespace);
  const found = inNamespace.find(({ resource }) => resource.metadata.name === name);
  if (found) return found.resource;
  const allowed = inNamespace.map(({ resource }) => resource.metadata.name).join(", ") || "none is defined";
  throw new ConfigError(where, [`found "${name}"; allowed in namespace ${namespace}: ${allowed}`]);
}
