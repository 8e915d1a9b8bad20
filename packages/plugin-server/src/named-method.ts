import type { PdkMethod } from "@kong-serverless/kong-protocol";

/** A PDK method with its name on the wire. */
export interface NamedMethod {
  readonly name: string;
  readonly nameBytes: Uint8Array;
  readonly method: PdkMethod;
}

export function namedMethod(name: string, method: PdkMethod): NamedMethod {
  return { name, nameBytes: Buffer.from(name), method };
}
