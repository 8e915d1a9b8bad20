import type { Headers } from "@kong-serverless/kong-protocol";

/** What a gateway has to do with a request after the plugin's `access`. */
export type AccessOutcome =
  /** Forward it, with `exchange.upstream` applied. */
  | { readonly kind: "proxy" }
  /** Answer it with this. `headers` have lower-case names and include those the plugin set on the response before. */
  | {
      readonly kind: "exit";
      readonly status: number;
      readonly headers: Headers;
      readonly body: Uint8Array;
    }
  /** The plugin server failed: answer 500, as Kong does. `reason` is for the log. */
  | { readonly kind: "error"; readonly status: 500; readonly reason: string };
