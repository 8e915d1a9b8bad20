import { encodeFrames } from "@kong-serverless/kong-protocol";

import type { Random } from "./random.ts";

type Mutation = (payload: Buffer, random: Random, others: readonly Buffer[]) => Buffer;

const interesting = [0, 1, 0x7f, 0x80, 0xff];

const mutations: readonly Mutation[] = [
  (payload) => payload,
  function flipBits(payload, random) {
    const flipped = Buffer.from(payload);
    for (let flip = random.below(8); flip >= 0 && flipped.length > 0; flip -= 1) {
      const at = random.below(flipped.length);
      flipped[at] = (flipped[at] ?? 0) ^ (1 << random.below(8));
    }
    return flipped;
  },
  function setBytes(payload, random) {
    const set = Buffer.from(payload);
    for (let change = random.below(4); change >= 0 && set.length > 0; change -= 1)
      set[random.below(set.length)] = random.pick(interesting);
    return set;
  },
  (payload, random) => payload.subarray(0, random.below(payload.length + 1)),
  function insert(payload, random) {
    const at = random.below(payload.length + 1);
    const bytes = Buffer.alloc(random.below(32), random.pick(interesting));
    return Buffer.concat([payload.subarray(0, at), bytes, payload.subarray(at)]);
  },
  function splice(payload, random, others) {
    const other = random.pick(others);
    return Buffer.concat([
      payload.subarray(0, random.below(payload.length + 1)),
      other.subarray(random.below(other.length + 1)),
    ]);
  },
  (payload, random) => Buffer.concat(Array<Buffer>(1 + random.below(20)).fill(payload)),
];

/** A random mutation of a recorded frame; now and then its length is wrong, too. */
export function mutatedFrame(payloads: readonly Buffer[], random: Random): Buffer {
  let payload = random.pick(payloads);
  for (let times = random.below(3); times >= 0; times -= 1)
    payload = random.pick(mutations)(payload, random, payloads);
  const frame = encodeFrames(payload);
  if (random.below(50) === 0) frame.writeUInt32LE(random.below(2 ** 21), 0);
  return frame;
}
