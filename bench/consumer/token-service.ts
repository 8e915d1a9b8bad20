import type { IncomingMessage, ServerResponse } from "node:http";

import { ScriptedServer } from "@kong-serverless/testing";

/** A token service (AssumeRoleWithWebIdentity) that can fall silent: it takes connections and never answers. */
export class TokenService extends ScriptedServer {
  isSilent = false;
  readonly #lifetimeMs: number;

  constructor({ lifetimeMs }: { readonly lifetimeMs: number }) {
    super();
    this.#lifetimeMs = lifetimeMs;
  }

  protected override async handle(_request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (this.isSilent) return;
    const expiration = new Date(Date.now() + this.#lifetimeMs).toISOString();
    response.writeHead(200, { "content-type": "text/xml" }).end(
      `<AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleWithWebIdentityResult>
         <Credentials><AccessKeyId>emulated</AccessKeyId><SecretAccessKey>emulated</SecretAccessKey>
         <SessionToken>session</SessionToken><Expiration>${expiration}</Expiration></Credentials>
       </AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>`,
    );
  }
}
