import { encodeFrames, pdk } from "@kong-serverless/kong-protocol";
import { encodeCall, KongPeer } from "@kong-serverless/kong-protocol/testing";

import type { Conversation } from "./conversation.ts";

const headerBytes = 4;
/** As long a number as Kong's are after a while. */
const sequence = 1_000_000;

/** Kong's answers to the PDK calls of the measured plugins, encoded once. */
const answers = new Map<string, Buffer>([
  ["kong.request.get_path", encodeFrames(pdk.request.getPath.result.encode("/kong/consumer/orders"))],
  ["kong.request.get_header", encodeFrames(pdk.request.getHeader.result.encode("curl/8.5.0"))],
  ["kong.response.get_source", encodeFrames(pdk.response.getSource.result.encode("service"))],
  ["kong.nginx.get_subsystem", encodeFrames(pdk.nginx.getSubsystem.result.encode("http"))],
  ["kong.response.get_status", encodeFrames(pdk.response.getStatus.result.encode(200))],
  ["kong.ctx.shared.get", encodeFrames(Buffer.alloc(0))],
  ["kong.ctx.shared.set", encodeFrames(Buffer.alloc(0))],
  ["kong.response.add_header", encodeFrames(Buffer.alloc(0))],
  ["kong.response.set_header", encodeFrames(Buffer.alloc(0))],
  ["kong.service.request.set_header", encodeFrames(Buffer.alloc(0))],
]);

/** `ProtoBuf:1`: each turn of the server is two frames, a PDK method and its argument, or nothing and the event's result. */
export const protobuf: Conversation = {
  turnEnd(said) {
    if (said.length < 2 * headerBytes) return 0;
    const second = headerBytes + said.readUInt32LE(0);
    if (said.length < second + headerBytes) return 0;
    const end = second + headerBytes + said.readUInt32LE(second);
    return said.length < end ? 0 : end;
  },
  answer(said) {
    const nameBytes = said.readUInt32LE(0);
    if (nameBytes === 0) return undefined;
    const name = said.toString("latin1", headerBytes, headerBytes + nameBytes);
    // Kong says nothing to it, and that was the event.
    if (name === "kong.response.exit") return undefined;
    const answer = answers.get(name);
    if (answer === undefined) throw new Error(`the plugin made an unforeseen call: ${name}`);
    return answer;
  },
};

/** Starts a plugin instance; resolves with what begins an event of it. */
export async function startProtobufInstance(
  socketPath: string,
  name: string,
  config: object,
): Promise<(eventName: string) => Buffer> {
  const kong = await KongPeer.connect(socketPath);
  try {
    const instanceId = await kong.startInstance(config, name);
    return (eventName) =>
      encodeFrames(encodeCall(sequence, { case: "handleEvent", value: { instanceId, eventName } }));
  } finally {
    kong.frames.close();
  }
}
