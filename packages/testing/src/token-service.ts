import type { IncomingMessage, ServerResponse } from "node:http";

import { ScriptedServer } from "./scripted-server.ts";

/** A token service (AssumeRoleWithWebIdentity) that can fall silent: it then accepts connections and never answers. */
export class TokenService extends ScriptedServer {
  isSilent = false;
  /** Of the credentials that it gives out. */
  lifetimeMs = 3_600_000;
  /** Requests so far. */
  asked = 0;

  protected override async handle(_request: IncomingMessage, response: ServerResponse): Promise<void> {
    this.asked += 1;
    if (this.isSilent) return;
    const expiration = new Date(Date.now() + this.lifetimeMs).toISOString();
    response.writeHead(200, { "content-type": "text/xml" }).end(
      `<AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleWithWebIdentityResult>
         <Credentials><AccessKeyId>emulated</AccessKeyId><SecretAccessKey>emulated</SecretAccessKey>
         <SessionToken>session</SessionToken><Expiration>${expiration}</Expiration></Credentials>
       </AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>`,
    );
  }
}
