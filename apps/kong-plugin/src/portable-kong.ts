import type { Kong as ServerKong } from "@kong-serverless/plugin-server";
import type kongPdk from "kong-pdk/kong/index.js";

/**
 * What a plugin gets in each phase from either plugin server, ours or kong-pdk's: the methods that both have, with arguments
 * that both accept. A method that kong-pdk drops or changes becomes `unknown`, and can no longer be called.
 *
 * `signal` and `isStopping` are our server's own. In kong-pdk's, which takes every name for a PDK method, they are functions.
 */
export type PortableKong = OfBoth<Omit<ServerKong, "signal" | "isStopping">, kongPdk.default> & {
  readonly signal: unknown;
  readonly isStopping: unknown;
};

type OfBoth<Ours, Theirs> = {
  readonly [Name in keyof Ours & keyof Theirs]: Ours[Name] extends Method
    ? Theirs[Name] extends Method
      ? MethodOfBoth<Ours[Name], Theirs[Name]>
      : unknown
    : OfBoth<Ours[Name], Theirs[Name]>;
};

type Method = (...args: never[]) => Promise<unknown>;

type MethodOfBoth<Ours extends Method, Theirs extends Method> =
  IsSameScalar<Awaited<ReturnType<Ours>>, Awaited<ReturnType<Theirs>>> extends true
    ? Parameters<Ours> extends Parameters<Theirs>
      ? Ours
      : Parameters<Theirs> extends Parameters<Ours>
        ? (...args: Parameters<Theirs>) => ReturnType<Ours>
        : Parameters<Ours> extends AsInLua<Parameters<Theirs>>
          ? Ours
          : unknown
    : unknown;

/** kong-pdk's types say nothing about what is in a table. */
type IsSameScalar<Ours, Theirs> = [Ours] extends [string | number | undefined]
  ? [Theirs] extends [Ours]
    ? true
    : false
  : true;

/** kong-pdk's generated types have buffers where Lua has strings. */
type AsInLua<Arguments extends unknown[]> = {
  [Index in keyof Arguments]: Buffer extends Arguments[Index]
    ? Arguments[Index] | Uint8Array | string
    : Arguments[Index];
};

/** Aborts when the client leaves; undefined where the server cannot know. */
export function leaveSignal(kong: PortableKong): AbortSignal | undefined {
  return kong.signal instanceof AbortSignal ? kong.signal : undefined;
}

/** Whether the server is being stopped. */
export function isStopping(kong: PortableKong): boolean {
  return kong.isStopping === true;
}
