import type { Pdk, PdkMethod } from "@kong-serverless/kong-protocol";
import type { Log } from "@kong-serverless/runtime";

import type { Exchange } from "../exchange.ts";

/** What a PDK call applies to. */
export interface PdkContext {
  readonly exchange: Exchange;
  readonly nodeId: string;
  readonly log: Log;
}

/** The PDK's methods as the host implements them: synchronous, with the context as their first argument. */
type HostMethods<Table> = {
  readonly [Name in keyof Table]: Table[Name] extends PdkMethod<infer Arguments, infer Result>
    ? (context: PdkContext, ...args: Arguments) => Result
    : HostMethods<Table[Name]>;
};

export type HostPdk = HostMethods<Pdk>;
