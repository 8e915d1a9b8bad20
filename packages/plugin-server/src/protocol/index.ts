export type { Headers } from "./headers.ts";
export type { KongRoute, KongService } from "./kong-entities.ts";
