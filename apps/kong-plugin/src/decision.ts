import type { Answer } from "./answer.ts";

/** What becomes of a request. */
export type Decision =
  | Passed
  | { readonly kind: "exit"; readonly answer: Answer }
  | { readonly kind: "left" };

/** It goes to the backend, and must be counted as in flight in the same turn. */
export interface Passed {
  readonly kind: "pass";
  readonly addResponseHeaders?: Readonly<Record<string, string>>;
  readonly setResponseHeaders?: Readonly<Record<string, string>>;
  readonly setRequestHeaders?: Readonly<Record<string, string>>;
  /** Where it goes instead of the Kong service of its route. */
  readonly target?: {
    readonly host: string;
    readonly port: number;
    /** The `Host` that the Kong service would get; absent if that is the client's own. By default Kong sends the address. */
    readonly hostHeader?: string;
  };
}
