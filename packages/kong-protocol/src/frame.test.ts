import * as fc from "fast-check";
import { describe, expect, it } from "vitest";

import { encodeFrames, FrameDecoder, FrameTooLargeError } from "./frame.ts";

describe("FrameDecoder", () => {
  it("yields the frames that were encoded, however the stream was cut", () => {
    const payloads = fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 12 });
    const cuts = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 20 });
    fc.assert(
      fc.property(payloads, cuts, (sent, sizes) => {
        const stream = encodeFrames(...sent);
        const decoder = new FrameDecoder();
        const received: Buffer[] = [];
        for (let offset = 0, i = 0; offset < stream.length; i++) {
          const size = sizes[i % sizes.length] ?? 1;
          received.push(...decoder.push(stream.subarray(offset, offset + size)));
          offset += size;
        }
        expect(received).toEqual(sent.map((payload) => Buffer.from(payload)));
      }),
    );
  });

  it("writes the length as a little-endian uint32", () => {
    expect(encodeFrames(Buffer.alloc(258)).subarray(0, 4)).toEqual(Buffer.of(2, 1, 0, 0));
  });

  it("takes a frame of exactly the limit", () => {
    expect(new FrameDecoder(5).push(encodeFrames(Buffer.from("hello")))).toHaveLength(1);
  });

  it("refuses a frame above the limit as soon as its length is known", () => {
    const decoder = new FrameDecoder(5);
    expect(() => decoder.push(Buffer.of(6, 0, 0, 0))).toThrow(FrameTooLargeError);
  });

  it("keeps only the incomplete frame at the end of a chunk", () => {
    const decoder = new FrameDecoder();
    const chunk = encodeFrames(Buffer.alloc(50_000), Buffer.from("next")).subarray(0, -1);
    decoder.push(chunk);
    expect(decoder.pendingBytes).toBe(7);
    chunk.fill(0xff);
    expect(decoder.push(Buffer.from("t"))).toEqual([Buffer.from("next")]);
  });

  it("joins a large frame that arrives in small pieces", () => {
    const payload = Buffer.alloc(1024 * 1024, 7);
    const stream = encodeFrames(payload);
    const decoder = new FrameDecoder();
    const received: Buffer[] = [];
    for (let offset = 0; offset < stream.length; offset += 100) {
      received.push(...decoder.push(stream.subarray(offset, offset + 100)));
    }
    expect(received).toHaveLength(1);
    expect(received[0]?.equals(payload)).toBe(true);
  });
});
