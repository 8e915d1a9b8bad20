import type { Answer } from "./answer.ts";

/** What becomes of a request. */
export type Decision =
  | Passed
  | { readonly kind: "exit"; readonly answer: Answer }
  | { readonly kind: "left" };

/** It goes on to the backend, and is to be counted as in flight in the same turn. */
export interface Passed {
  readonly kind: "pass";
  readonly addResponseHeaders?: Readonly<Record<string, string>>;
  readonly setResponseHeaders?: Readonly<Record<string, string>>;
  readonly setRequestHeaders?: Readonly<Record<string, string>>;
  /** Where to, instead of to the Kong service of its route. */
  readonly target?: {
    readonly host: string;
    readonly port: number;
    /** The host name that the Kong service would be asked by; absent where that is the client's own. Kong would take the address. */
    readonly hostHeader?: string;
  };
}
