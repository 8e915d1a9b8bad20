import type { Kong as ServerKong } from "@kong-serverless/plugin-server";
import type kongPdk from "kong-pdk/kong/index.js";

/**
 * What the plugin is given in each phase, by our own server or by kong-pdk's: the methods that both have, with arguments
 * that both take. What kong-pdk drops or changes can no longer be called: it is unknown.
 *
 * Two members are our own server's. kong-pdk's takes every name for a PDK method, so in their place it has functions.
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

/** Of tables kong-pdk's types know only that they are some. */
type IsSameScalar<Ours, Theirs> = [Ours] extends [string | number | undefined]
  ? [Theirs] extends [Ours]
    ? true
    : false
  : true;

/** Lua has strings where kong-pdk's types, which are generated, have buffers. */
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
