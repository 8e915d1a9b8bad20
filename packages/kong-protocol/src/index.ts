export { type Codec } from "./codec.ts";
export { encodeEndOfEvent } from "./end-of-event.ts";
export { defaultMaxFrameBytes, encodeFrames, FrameDecoder, FrameTooLargeError } from "./frame.ts";
export type { Headers } from "./headers.ts";
export type { KongRoute, KongService } from "./kong-entities.ts";
export { isPdkMethod, type Pdk, pdk, type PdkMethod, wireName } from "./pdk.ts";
export type { RequestBody } from "./pdk-values.ts";
export * from "./plugin_socket_pb.ts";
