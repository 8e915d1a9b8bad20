import { once } from "node:events";
import { connect } from "node:net";

import { decode, encode } from "@msgpack/msgpack";

import type { Conversation } from "./conversation.ts";

/** Small, so that it takes one byte in the answer, too. */
const messageId = 1;
/** `[1, messageId, nil, {Data: "ret", EventId: ...}]` without the event's id, which grows. */
const endOfEvent = Buffer.from(encode([1, messageId, null, { Data: "ret", EventId: 0 }])).subarray(0, -1);
/** Length of a number by its first byte; any other first byte is the number itself. */
const numberBytes = new Map([
  [0xcc, 2],
  [0xcd, 3],
  [0xce, 5],
  [0xcf, 9],
]);

/** `MsgPack:1`, for a plugin without PDK calls: the server's only turn is the event's result. */
export const msgpack: Conversation = {
  turnEnd(said) {
    const first = said[endOfEvent.length];
    if (first === undefined) return 0;
    const end = endOfEvent.length + (numberBytes.get(first) ?? 1);
    return said.length < end ? 0 : end;
  },
  answer(said) {
    if (endOfEvent.compare(said, 0, endOfEvent.length) === 0) return undefined;
    throw new Error(`the stock server said something else: ${JSON.stringify(decode(said))}`);
  },
};

/** Starts a plugin instance; resolves with a function that makes the first bytes of an event. */
export async function startMsgpackInstance(
  socketPath: string,
  name: string,
  config: object,
): Promise<(eventName: string) => Buffer> {
  const socket = connect(socketPath);
  try {
    socket.write(call("plugin.StartInstance", { Name: name, Config: JSON.stringify(config) }));
    const [said] = (await once(socket, "data")) as [Buffer];
    const [, , error, result] = decode(said) as [number, number, string | null, { Id: number }];
    if (error !== null) throw new Error(`the stock server started no instance: ${error}`);
    return (eventName) => call("plugin.HandleEvent", { InstanceId: result.Id, EventName: eventName });
  } finally {
    socket.destroy();
  }
}

function call(method: string, argument: object): Buffer {
  return Buffer.from(encode([0, messageId, method, [argument]]));
}
