export { serviceAddress } from "./address.ts";
export { consumerQueue, jobTopics, variablePlace, workerQueue } from "./app.ts";
export { type Container, envFromReference, referenceOf, valueIn } from "./container.ts";
export { parseDocuments } from "./documents.ts";
export { type GatewaySettings, readGateway } from "./gateway.ts";
export { type GatewayPod, luaFolder, podsOfWorkloads } from "./gateway-pod.ts";
export { type GatewayValues, gatewayValuesFor, readGatewayValues } from "./gateway-values.ts";
export { type Manifest, Manifests, title, toManifest } from "./manifests.ts";
export { type PodConnection, type Labels, type Pods, policiesThatShutOut } from "./network-policy.ts";
export { Place, type Step } from "./place.ts";
export { globalPlugins, pluginReferences, resolvePlugin } from "./plugin-reference.ts";
export { type ConfiguredBackend, isConfiguredElsewhere, pluginKinds, pluginName } from "./plugin.ts";
export type { Pubsub } from "./pubsub.ts";
export { queueName, queueRegion } from "./queue.ts";
export type { RabbitmqDefinitions } from "./rabbitmq-definitions.ts";
export { type ManifestSource, readManifests, type ReadOptions, sourceName } from "./read-manifests.ts";
export type { ServiceRoute } from "./route.ts";
export { isSwitchedOn, kedaDefaults, type QueueTrigger, type Scaler } from "./scaler.ts";
export {
  demandWatches,
  findPubsub,
  gatewayNamespace,
  gatewayServices,
  leastRetentionSeconds,
  queuesOfTopic,
  readSystem,
  scalersOf,
  servicesOf,
  type System,
  wakePubsub,
  wakeQueues,
  wakeRetentionSeconds,
  wakeWatches,
  wokenWorkloads,
  workloadsOf,
} from "./system.ts";
export { scaleTargetRef, selects, type Workload } from "./workload.ts";
export { homeOf, type SchemaFault, schemaFaults } from "./schema/schema-faults.ts";
export { readText } from "./text.ts";
