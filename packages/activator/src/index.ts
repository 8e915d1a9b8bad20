export { Activator, type Owner, type Registration } from "./activator.ts";
export type { Backend, GatewayLimits, Held, HoldRequest } from "./backend.ts";
export type { Collaborators, Pod, PodAddress, WakeMessage } from "./collaborators.ts";
export type { ActivatorEvent, ProbeReason, WakeReason } from "./events.ts";
export { probeTarget, upstreamTarget } from "./probe-target.ts";
