export { ByteBudget, type ByteHolder } from "./byte-budget.ts";
export { dump } from "./dump.ts";
export type { ExitAnswer } from "./failure-answer.ts";
export type { Kong } from "./kong.ts";
export { type Phase, type InstanceConfig, type PluginInstance, type PluginModule } from "./plugin-module.ts";
export { type BoundSocket, bindSocket } from "./socket-path.ts";
export { PluginServer, type PluginServerOptions } from "./plugin-server.ts";
export { type StopOptions, untilIdle } from "./until-idle.ts";
