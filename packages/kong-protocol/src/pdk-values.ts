import { fromBinary, fromJson, type JsonObject, type JsonValue, toBinary, toJson } from "@bufbuild/protobuf";
import { ListValueSchema, StructSchema, ValueSchema } from "@bufbuild/protobuf/wkt";

import { type Codec, message, table } from "./codec.ts";
import type { Headers } from "./headers.ts";
import type { KongRoute, KongService } from "./kong-entities.ts";
import {
  ExitArgumentsSchema,
  KeyValueSchema,
  PdkBytesSchema,
  PdkIntSchema,
  PdkNumberSchema,
  RawBodySchema,
  RouteSchema,
  ServiceSchema,
  TargetSchema,
} from "./plugin_socket_pb.ts";

/** A request's body, or why there is none. Kong keeps a body larger than its buffer in a file of its own container. */
export type RequestBody =
  | { readonly content: Uint8Array }
  | { readonly bodyFilepath: string }
  | { readonly error: string };

/**
 * A string decoded from raw bytes: paths and headers need not be UTF-8, and Kong passes them on as they came. Invalid bytes
 * become U+FFFD, where protobuf's own strings would refuse the whole result.
 */
export const text = message(
  PdkBytesSchema,
  (v: string) => ({ v: Buffer.from(v) }),
  ({ v }) => (v ? Buffer.from(v.buffer, v.byteOffset, v.length).toString() : ""),
);

/** One of Kong's consumers, of which only the id is read: the message's first field, like the value of a string. */
export const consumer: Codec<{ readonly id: string }> = {
  encode: ({ id }) => text.encode(id),
  decode: (bytes) => ({ id: text.decode(bytes) }),
};

export const int = message(
  PdkIntSchema,
  (v: number) => ({ v }),
  ({ v }) => v ?? 0,
);

export const number = message(
  PdkNumberSchema,
  (v: number) => ({ v }),
  ({ v }) => v ?? 0,
);

/** Any JSON value. Absent is Lua's nil: Kong writes it as a null with the number 1, which protobuf does not know. */
export const json: Codec<JsonValue | undefined> = {
  encode(value) {
    if (value === undefined) return Uint8Array.of(0x08, 0x01);
    return toBinary(ValueSchema, fromJson(ValueSchema, value));
  },
  decode(bytes) {
    const value = fromBinary(ValueSchema, bytes);
    return value.kind.case === undefined || value.kind.case === "nullValue"
      ? undefined
      : toJson(ValueSchema, value);
  },
};

const jsonObject: Codec<JsonObject> = {
  encode: (value) => toBinary(StructSchema, fromJson(StructSchema, value)),
  decode: (bytes) => toJson(StructSchema, fromBinary(StructSchema, bytes)),
};

/** Headers, or a query's arguments. */
export const headers = jsonObject as unknown as Codec<Headers>;

export const rawBody = message(
  RawBodySchema,
  (body: RequestBody) => {
    if ("content" in body) return { kind: { case: "content" as const, value: body.content } };
    if ("bodyFilepath" in body) return { kind: { case: "bodyFilepath" as const, value: body.bodyFilepath } };
    return { kind: { case: "error" as const, value: body.error } };
  },
  ({ kind }): RequestBody => {
    if (kind.case === "bodyFilepath") return { bodyFilepath: kind.value };
    if (kind.case === "error") return { error: kind.value };
    return { content: kind.value ?? new Uint8Array(0) };
  },
);

export const route = table<KongRoute>(RouteSchema);
export const service = table<KongService>(ServiceSchema);

// Arguments: a method's parameters as a tuple.

export const nameArgument: Codec<[name: string]> = single(text);
export const valueArgument: Codec<[value: string]> = single(text);
export const statusArgument: Codec<[status: number]> = single(int);
export const headersArgument: Codec<[headers: Headers]> = single(headers);

export const bodyArgument: Codec<[body: Uint8Array]> = message(
  PdkBytesSchema,
  ([v]) => ({ v }),
  ({ v }) => [v ?? new Uint8Array(0)],
);

/** How many headers or query arguments Kong should read at most: 100 unless given, as in its Lua API. */
export const maximumArgument: Codec<[maximum?: number]> = {
  encode: ([maximum = 100]) => int.encode(maximum),
  decode: (bytes) => [int.decode(bytes)],
};

export const keyValueArguments: Codec<[name: string, value: JsonValue]> = message(
  KeyValueSchema,
  ([k, v]) => ({ k, v: fromJson(ValueSchema, v) }),
  ({ k, v }) => [k, v ? toJson(ValueSchema, v) : null],
);

export const headerArguments = keyValueArguments as Codec<unknown[]> as Codec<
  [name: string, value: string | readonly string[]]
>;

export const logArguments: Codec<JsonValue[]> = {
  encode: (values) => toBinary(ListValueSchema, fromJson(ListValueSchema, values)),
  decode: (bytes) => toJson(ListValueSchema, fromBinary(ListValueSchema, bytes)),
};

export const targetArguments: Codec<[host: string, port: number]> = message(
  TargetSchema,
  ([host, port]) => ({ host, port }),
  ({ host, port }) => [host, port],
);

export const exitArguments: Codec<
  [status: number, body?: string | Uint8Array | undefined, headers?: Headers | undefined]
> = message(
  ExitArgumentsSchema,
  ([status, body, exitHeaders]) => ({
    status,
    ...(body === undefined ? {} : { body: typeof body === "string" ? Buffer.from(body) : body }),
    ...(exitHeaders === undefined ? {} : { headers: exitHeaders as JsonObject }),
  }),
  ({ status, body, headers: exitHeaders }) => [status, body, exitHeaders as Headers | undefined],
);

function single<T>(codec: Codec<T>): Codec<[T]> {
  return { encode: ([value]) => codec.encode(value), decode: (bytes) => [codec.decode(bytes)] };
}
