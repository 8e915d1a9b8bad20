export { Exchange, type ExchangeOptions, type ExchangeResponse } from "./exchange.ts";
export { KongHost, type KongHostOptions } from "./kong-host.ts";
export type { PluginEntity } from "./plugin-entity.ts";
