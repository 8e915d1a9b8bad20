import { create, toBinary } from "@bufbuild/protobuf";
import * as fc from "fast-check";
import { expect, it } from "vitest";

import { encodeEndOfEvent } from "./end-of-event.ts";
import { encodeFrames } from "./frame.ts";
import { RpcReturnSchema } from "./plugin_socket_pb.ts";

it("writes what the protobuf library writes, for every sequence", () => {
  const sequences = fc.oneof(
    fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
    fc.bigInt({ min: 0n, max: 300n }),
  );
  fc.assert(
    fc.property(sequences, (sequence) => {
      const message = toBinary(RpcReturnSchema, create(RpcReturnSchema, { sequence }));
      expect(encodeEndOfEvent(sequence)).toEqual(encodeFrames(new Uint8Array(0), message));
    }),
  );
});
