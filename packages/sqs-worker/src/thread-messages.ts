import type { Log } from "@kong-serverless/runtime";

import type { Message } from "./message.ts";

/** What the worker's thread tells a handler's. */
export type ToThread =
  | { readonly kind: "handle"; readonly message: Message }
  | { readonly kind: "abort"; readonly reason: string };

/** What a handler's thread tells the worker's. */
export type FromThread =
  | { readonly kind: "log"; readonly level: keyof Log; readonly fields: object; readonly event: string }
  | { readonly kind: "done" }
  | { readonly kind: "failed"; readonly isRejection: boolean; readonly reason: string };
