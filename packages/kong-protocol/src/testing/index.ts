export { FramePeer } from "./frame-peer.ts";
export { readGoldenFrames, type RecordedConnection, type RecordedFrame } from "./golden-frames.ts";
export { type CallInit, encodeCall, KongPeer } from "./kong-peer.ts";
export { makeSocketDirectory } from "./socket-directory.ts";
