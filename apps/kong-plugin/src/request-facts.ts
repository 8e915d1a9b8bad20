import type { RouterMatch } from "./probe-target.ts";

/** What the plugin may want to know about a request before it decides. */
export interface RequestFacts {
  /** On the clock of `performance.now()`. */
  readonly arrivedAtMs: number;
  /** Aborts when the client leaves; undefined where that cannot be known. */
  readonly signal: AbortSignal | undefined;
  /** Whether the server is being stopped. */
  readonly isStopping: boolean;
  /** As Kong gives it: decoded and normalised. */
  path(): Promise<string>;
  method(): Promise<string>;
  header(name: "accept" | "user-agent" | "traceparent"): Promise<string | undefined>;
  /** The client that limits count for: see clientKey. */
  client(): Promise<string>;
  /** Where Kong would forward the request to. */
  routerMatch(): Promise<RouterMatch>;
}
