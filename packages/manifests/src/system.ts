import { serviceAddress } from "./address.ts";
import { type Apps, readApps } from "./app.ts";
import type { GatewaySettings } from "./gateway.ts";
import type { Manifest, Manifests } from "./manifests.ts";
import { type ConfiguredBackend, type PluginUse, readPlugins } from "./plugin.ts";
import { type Pubsub, readPubsubs } from "./pubsub.ts";
import { type RabbitmqDefinitions, readRabbitmqDefinitions } from "./rabbitmq-definitions.ts";
import { readRoutes, type ServiceRoute } from "./route.ts";
import { type DemandTrigger, type QueueTrigger, readScalers, type Scaler } from "./scaler.ts";
import { readWorkloads, selects, type Workload } from "./workload.ts";

/** Everything that would be applied, in the terms of this project. Names that lead nowhere are left for the checks. */
export interface System {
  readonly manifests: Manifests;
  readonly gateway: GatewaySettings;
  readonly plugins: readonly PluginUse[];
  /** Those of all plugins. */
  readonly backends: readonly ConfiguredBackend[];
  readonly routes: readonly ServiceRoute[];
  readonly workloads: readonly Workload[];
  readonly apps: Apps;
  readonly scalers: readonly Scaler[];
  readonly pubsubs: readonly Pubsub[];
  readonly rabbitmq: RabbitmqDefinitions | undefined;
}

export function readSystem(manifests: Manifests, gateway: GatewaySettings): System {
  const workloads = readWorkloads(manifests);
  const plugins = readPlugins(manifests);
  return {
    manifests,
    gateway,
    plugins,
    backends: plugins.flatMap(({ backends }) => backends),
    routes: readRoutes(manifests),
    workloads,
    apps: readApps(workloads),
    scalers: readScalers(manifests, workloads),
    pubsubs: readPubsubs(manifests),
    rabbitmq: readRabbitmqDefinitions(manifests),
  };
}

/** The Component that a sidecar in `namespace` loads under this name: one of its own namespace. Undefined: of any. */
export function findPubsub(
  { pubsubs }: System,
  name: string,
  namespace: string | undefined,
): Pubsub | undefined {
  return pubsubs.find(
    ({ manifest }) => manifest.name === name && (namespace === undefined || manifest.namespace === namespace),
  );
}

/** The queues that get a topic's messages: on SNS the one that is provisioned under its name, on RabbitMQ those that are bound to it. */
export function queuesOfTopic({ rabbitmq }: System, pubsub: Pubsub | undefined, topic: string): string[] {
  if (pubsub?.broker !== "rabbitmq" || rabbitmq === undefined) return [topic];
  return rabbitmq.bindings.filter(({ source }) => source === topic).map(({ destination }) => destination);
}

/** The Services that tell the demand, which lead to the gateway's pods. A chart brings those: the rest of them is not in the manifests. */
export function gatewayServices({ scalers, manifests }: System): Manifest[] {
  const services = scalers.flatMap(({ demands }) =>
    demands.flatMap(({ url }) => {
      const address = serviceAddress(url.href);
      return (address && manifests.find("Service", address.namespace, address.name)) ?? [];
    }),
  );
  return [...new Set(services)];
}

/** The namespace of the gateway's pods: the address of their demand is what the manifests tell of it. */
export function gatewayNamespace({ scalers }: System): string | undefined {
  const [demand] = scalers.flatMap(({ demands }) => demands);
  return demand && serviceAddress(demand.url.href)?.namespace;
}

/** The Component that the gateway's sidecar sends a backend's wake messages through. */
export function wakePubsub(system: System, { settings: { wake } }: ConfiguredBackend): Pubsub | undefined {
  return wake && findPubsub(system, wake.pubsub, gatewayNamespace(system));
}

/** The queues that hold a backend's wake messages. */
export function wakeQueues(system: System, backend: ConfiguredBackend): string[] {
  const { wake } = backend.settings;
  return wake === undefined ? [] : queuesOfTopic(system, wakePubsub(system, backend), wake.topic);
}

/** SQS's least, which wake queues are provisioned with, and what RabbitMQ's should have too. */
export const leastRetentionSeconds = 60;

/** Seconds after which a message leaves the wake queue by itself. */
export function wakeRetentionSeconds({ rabbitmq }: System, { broker, queue }: QueueTrigger): number {
  if (broker === "sqs") return leastRetentionSeconds;
  const defined = rabbitmq?.queues.find(({ name }) => name === queue);
  return (Number(defined?.arguments["x-message-ttl"]) || leastRetentionSeconds * 1000) / 1000;
}

/** A trigger that concerns a backend, with the ScaledObject that has it. */
export interface Watch<Trigger> {
  readonly scaler: Scaler;
  readonly trigger: Trigger;
}

/** The triggers on the backend's wake queue. */
export function wakeWatches(system: System, backend: ConfiguredBackend): Watch<QueueTrigger>[] {
  const queues = wakeQueues(system, backend);
  return system.scalers.flatMap((scaler) =>
    scaler.queues
      .filter(({ queue }) => queue !== undefined && queues.includes(queue))
      .map((trigger) => ({ scaler, trigger })),
  );
}

/** The triggers on the backend's demand. */
export function demandWatches(
  system: System,
  { settings: { name } }: ConfiguredBackend,
): Watch<DemandTrigger>[] {
  return system.scalers.flatMap((scaler) =>
    scaler.demands.filter(({ backend }) => backend === name).map((trigger) => ({ scaler, trigger })),
  );
}

/** The ScaledObjects with a trigger for the backend. */
export function scalersOf(system: System, backend: ConfiguredBackend): ReadonlySet<Scaler> {
  const watches = [...wakeWatches(system, backend), ...demandWatches(system, backend)];
  return new Set(watches.map(({ scaler }) => scaler));
}

/** The workloads that requests wake. */
export function wokenWorkloads(system: System): Set<Workload> {
  const scalers = system.backends.flatMap((backend) => [...scalersOf(system, backend)]);
  return new Set(scalers.flatMap(({ target }) => target ?? []));
}

/** The Services that a backend's requests go to, as far as the manifests tell. */
export function servicesOf({ manifests, routes }: System, backend: ConfiguredBackend): Manifest[] {
  const { plugin, target, settings, isRouted } = backend;
  const upstream = settings.upstream === undefined ? undefined : serviceAddress(settings.upstream);
  if (upstream) return [manifests.find("Service", upstream.namespace, upstream.name) ?? []].flat();
  if (!isRouted) return [];
  const own = routes.filter(({ plugins }) => plugins.includes(plugin));
  const below = own.filter(({ path }) => target !== undefined && path.startsWith(target));
  return (below.length > 0 ? below : own).flatMap(({ service }) => service ?? []);
}

/** The workloads behind a Service. */
export function workloadsOf({ workloads }: System, service: Manifest): Workload[] {
  return workloads.filter((workload) => selects(service, workload));
}
