export type { AccessOutcome } from "./access-outcome.ts";
export {
  Exchange,
  type ExchangeOptions,
  type ExchangeRequest,
  type ExchangeResponse,
  type UpstreamChanges,
} from "./exchange.ts";
export { HeaderChanges } from "./header-changes.ts";
export { KongHost, type KongHostOptions } from "./kong-host.ts";
export type { PluginEntity } from "./plugin-entity.ts";
