export { chainedNames, findCycle, missingForProbes } from "./chain-issues.ts";
export { readCliEnvironment } from "./cli-environment.ts";
export {
  type ConsumerEnvironment,
  consumerEnvironmentSchema,
  readConsumerEnvironment,
} from "./consumer-environment.ts";
export {
  type DemoBackendEnvironment,
  demoBackendEnvironmentSchema,
  readDemoBackendEnvironment,
} from "./demo-backend-environment.ts";
export { type TracesSettings, tracesVariables } from "./traces-environment.ts";
export { ConfigError, parseConfig } from "./parse.ts";
export { type Job, type JobResult, jobResultSchema, jobSchema } from "./job.ts";
export { entityIdentityOf, type EntityIdentity } from "./kong-fields.ts";
export {
  type KongPluginEnvironment,
  kongPluginEnvironmentSchema,
  readKongPluginEnvironment,
} from "./kong-plugin-environment.ts";
export { documentSettings } from "./document-settings.ts";
export { kongSchema } from "./kong-schema.ts";
export {
  type BackendMatch,
  type MatchedBackend,
  parsePluginConfig,
  type PluginConfig,
} from "./plugin-config.ts";
export { pluginSchema } from "./plugin-schema.ts";
export type { BackendSettings } from "./resolve-backend.ts";
