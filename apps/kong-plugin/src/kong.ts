import type { Kong as ServerKong } from "@kong-serverless/plugin-server";

/**
 * What the plugin is given in each phase, by either server. Two members are our own server's: the stock one of kong-pdk
 * takes every name for a PDK method, so in their place it has functions.
 */
export type Kong = Omit<ServerKong, "signal" | "isStopping"> & {
  readonly signal: unknown;
  readonly isStopping: unknown;
};

/** Aborts when the client leaves; undefined where the server cannot know. */
export function leaveSignal(kong: Kong): AbortSignal | undefined {
  return kong.signal instanceof AbortSignal ? kong.signal : undefined;
}

/** Whether the server is being stopped. */
export function isStopping(kong: Kong): boolean {
  return kong.isStopping === true;
}
