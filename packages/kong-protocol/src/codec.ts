import {
  create,
  type DescMessage,
  fromBinary,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from "@bufbuild/protobuf";

import { fromKongTable, toKongTable } from "./kong-table.ts";

/** Writes and reads the payload of one kind of frame. */
export interface Codec<T> {
  encode(value: T): Uint8Array;
  decode(bytes: Uint8Array): T;
}

const noBytes = new Uint8Array(0);

/** No arguments: an empty message, and so no bytes. */
export const none: Codec<[]> = { encode: () => noBytes, decode: () => [] };

/** No result. */
export const nothing: Codec<void> = { encode: () => noBytes, decode: () => undefined };

/** A protobuf message, seen as `T`. */
export function message<Schema extends DescMessage, T>(
  schema: Schema,
  toInit: (value: T) => MessageInitShape<Schema>,
  fromMessage: (message: MessageShape<Schema>) => T,
): Codec<T> {
  return {
    encode: (value) => toBinary(schema, create(schema, toInit(value))),
    decode: (bytes) => fromMessage(fromBinary(schema, bytes)),
  };
}

/** A message that stands for one of Kong's tables, `T`. */
export function table<T extends object>(schema: DescMessage): Codec<T> {
  return {
    encode: (value) => toBinary(schema, fromKongTable(schema, value)),
    decode: (bytes) => toKongTable(schema, fromBinary(schema, bytes)) as T,
  };
}

/** An optional value: Kong sends an empty frame when it is absent. */
export function optional<T>(codec: Codec<T>): Codec<T | undefined> {
  return {
    encode: (value) => (value === undefined ? noBytes : codec.encode(value)),
    decode: (bytes) => (bytes.length === 0 ? undefined : codec.decode(bytes)),
  };
}
