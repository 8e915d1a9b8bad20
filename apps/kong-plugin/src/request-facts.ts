import type { Origin } from "./probe-target.ts";

/** What the plugin may want to know of a request before it decides. Whoever brought the request knows how to find out. */
export interface RequestFacts {
  /** On the clock of `performance.now()`. */
  readonly arrivedAtMs: number;
  /** Aborts when the client leaves; undefined where nobody can know. */
  readonly signal: AbortSignal | undefined;
  /** Whether the server is being stopped. */
  readonly isStopping: boolean;
  /** As Kong gives it: decoded and normalised. */
  path(): Promise<string>;
  method(): Promise<string>;
  header(name: "accept" | "user-agent" | "traceparent"): Promise<string | undefined>;
  /** Kong's consumer, else the address that Kong takes for the client's. */
  client(): Promise<string>;
  /** Where Kong would forward the request to. */
  origin(): Promise<Origin>;
}
