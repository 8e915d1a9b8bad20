import type { Manifests } from "../manifests/manifests.ts";
import { type Apps, readApps } from "./app.ts";
import { type Backend, type PluginUse, readPlugins } from "./backend.ts";
import type { Gateway } from "./gateway.ts";
import { type Pubsub, readPubsubs } from "./pubsub.ts";
import { type RabbitmqDefinitions, readRabbitmqDefinitions } from "./rabbitmq-definitions.ts";
import { readRoutes, type Route } from "./route.ts";
import { type DemandTrigger, type QueueTrigger, readScalers, type Scaler } from "./scaler.ts";
import { readWorkloads, type Workload } from "./workload.ts";

/** Everything that would be applied, in the terms of this project. Names that lead nowhere are left for the checks. */
export interface System {
  readonly manifests: Manifests;
  readonly gateway: Gateway;
  readonly plugins: readonly PluginUse[];
  /** Those of all plugins. */
  readonly backends: readonly Backend[];
  readonly routes: readonly Route[];
  readonly workloads: readonly Workload[];
  readonly apps: Apps;
  readonly scalers: readonly Scaler[];
  readonly pubsubs: readonly Pubsub[];
  readonly rabbitmq: RabbitmqDefinitions | undefined;
}

export function readSystem(manifests: Manifests, gateway: Gateway): System {
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

/** The queues that get a topic's messages: on SNS the one that is provisioned under its name, on RabbitMQ those that are bound to it. */
export function queuesOfTopic({ pubsubs, rabbitmq }: System, pubsub: string, topic: string): string[] {
  const broker = pubsubs.find(({ manifest }) => manifest.name === pubsub)?.broker;
  if (broker !== "rabbitmq" || rabbitmq === undefined) return [topic];
  return rabbitmq.bindings.filter(({ source }) => source === topic).map(({ destination }) => destination);
}

/** A trigger that concerns a backend, with the ScaledObject that has it. */
export interface Watch<Trigger> {
  readonly scaler: Scaler;
  readonly trigger: Trigger;
}

/** The triggers on the backend's wake queue. */
export function wakeWatches(system: System, { settings: { wake } }: Backend): Watch<QueueTrigger>[] {
  if (wake === undefined) return [];
  const queues = queuesOfTopic(system, wake.pubsub, wake.topic);
  return system.scalers.flatMap((scaler) =>
    scaler.queues.filter(({ queue }) => queues.includes(queue)).map((trigger) => ({ scaler, trigger })),
  );
}

/** The triggers on the backend's demand. */
export function demandWatches(system: System, { settings: { name } }: Backend): Watch<DemandTrigger>[] {
  return system.scalers.flatMap((scaler) =>
    scaler.demands.filter(({ backend }) => backend === name).map((trigger) => ({ scaler, trigger })),
  );
}

/** The ScaledObjects with a trigger for the backend. */
export function scalersOf(system: System, backend: Backend): ReadonlySet<Scaler> {
  const watches = [...wakeWatches(system, backend), ...demandWatches(system, backend)];
  return new Set(watches.map(({ scaler }) => scaler));
}
