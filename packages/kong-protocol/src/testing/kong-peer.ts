import { create, fromBinary, type MessageInitShape, toBinary } from "@bufbuild/protobuf";

import { RpcCallSchema, type RpcReturn, RpcReturnSchema } from "../index.ts";
import { FramePeer } from "./frame-peer.ts";

export type CallInit = NonNullable<MessageInitShape<typeof RpcCallSchema>["call"]>;

export function encodeCall(sequence: number, call: CallInit): Uint8Array {
  return toBinary(RpcCallSchema, create(RpcCallSchema, { sequence: BigInt(sequence), call }));
}

/** Kong's end of a connection, as far as tests of the server need it. */
export class KongPeer {
  readonly frames: FramePeer;
  #sequence = 0;

  static async connect(socketPath: string): Promise<KongPeer> {
    return new KongPeer(await FramePeer.connect(socketPath));
  }

  private constructor(frames: FramePeer) {
    this.frames = frames;
  }

  /** Makes a call; `undefined` when the server closes the connection instead of answering. */
  async call(call: CallInit): Promise<RpcReturn | undefined> {
    this.send(call);
    const answer = await this.frames.read();
    return answer && fromBinary(RpcReturnSchema, answer);
  }

  async startInstance(config: object = {}, name = "tested"): Promise<number> {
    const value = { name, config: Buffer.from(JSON.stringify(config)) };
    const answer = await this.call({ case: "startInstance", value });
    if (answer?.result.case !== "instanceStatus") throw new Error("no instance was started");
    return answer.result.value.instanceId;
  }

  handleEvent(instanceId: number, eventName = "access"): void {
    this.send({ case: "handleEvent", value: { instanceId, eventName } });
  }

  send(call: CallInit): void {
    this.#sequence += 1;
    this.frames.send(encodeCall(this.#sequence, call));
  }

  /** The next frame as text: a PDK method's name, "" at the end of an event, "closed" once the connection is. */
  async readText(): Promise<string> {
    return (await this.frames.read())?.toString() ?? "closed";
  }

  /** Reads the end of an event: the empty frame and the `RpcReturn`. */
  async readEnd(): Promise<RpcReturn | undefined> {
    if ((await this.readText()) !== "") return undefined;
    const answer = await this.frames.read();
    return answer && fromBinary(RpcReturnSchema, answer);
  }
}
