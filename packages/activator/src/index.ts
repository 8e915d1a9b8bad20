export { Activator, type Owner, type Registration } from "./activator.ts";
export type { Backend, GatewayLimits, HoldResult, HoldRequest } from "./backend.ts";
export type { ActivatorDeps, BackendPod, PodAddress, WakeMessage } from "./activator-deps.ts";
export type { ActivatorEvent, WakeReason } from "./events.ts";
