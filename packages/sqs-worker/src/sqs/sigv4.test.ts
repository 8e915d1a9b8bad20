import { createHash, createHmac } from "node:crypto";

import { SignatureV4 } from "@smithy/signature-v4";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";

import { Sigv4Signer } from "./sigv4.ts";

// AWS's Signature Version 4 test suite (aws-sig-v4-test-suite), which has these credentials, scope and time throughout.
const credentials = {
  accessKeyId: "AKIDEXAMPLE",
  secretAccessKey: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
};
const nowMs = Date.UTC(2015, 7, 30, 12, 36);
const host = "example.amazonaws.com";
const sessionToken =
  "AQoDYXdzEPT//////////wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQWLWsKWHGBuFqwAeMicRXmxfpSPfIeoIYRqTflfKD8YUuwthAx7mSEI/qkPpKPi/kMcGdQrmGdeehM4IC1NtBmUpp2wUE8phUZampKsburEDy0KPkyQDYwT7WZ0wq5VSXDvp75YU9HFvlRd8Tx6q6fE8YQcHNVXAkiY9q6d+xo0rKwT38xVqr7ZD0u0iPPkUL64lIZbqBAz+scqKmlzm8FDrypNC9Yjc8fPOLn9FX9KSYvKTr4rvx3iSIlTJabIQwj2ICCR/oLxBA==";

const vectors = [
  {
    name: "get-vanilla",
    signed: "host;x-amz-date",
    signature: "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
    method: "GET",
  },
  {
    name: "post-vanilla",
    signed: "host;x-amz-date",
    signature: "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b",
  },
  {
    name: "post-header-value-case",
    signed: "host;my-header1;x-amz-date",
    signature: "cdbc9802e29d2942e5e10b5bccfdd67c5f22c7c4e8ae67b53629efa58b974b7d",
    headers: { "my-header1": "VALUE1" },
  },
  {
    name: "get-header-value-trim",
    signed: "host;my-header1;my-header2;x-amz-date",
    signature: "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736",
    method: "GET",
    headers: { "my-header1": " value1", "my-header2": '"a   b   c"' },
  },
  {
    name: "post-x-www-form-urlencoded",
    signed: "content-type;host;x-amz-date",
    signature: "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a",
    headers: { "content-type": "application/x-www-form-urlencoded" },
    body: "Param1=value1",
  },
  {
    name: "post-sts-header-before",
    signed: "host;x-amz-date;x-amz-security-token",
    signature: "85d96828115b5dc0cfc3bd16ad9e210dd772bbebba041836c64533a82be05ead",
    token: sessionToken,
  },
] as const;

class Sha256 {
  readonly #hash;

  constructor(secret?: string | ArrayBuffer | ArrayBufferView) {
    this.#hash = secret === undefined ? createHash("sha256") : createHmac("sha256", secret as string);
  }

  update(data: string | Uint8Array): void {
    this.#hash.update(data);
  }

  async digest(): Promise<Uint8Array> {
    return this.#hash.digest();
  }

  reset(): void {}
}

describe("Sigv4Signer", () => {
  test.each(vectors)("signs as the test suite's $name does", (vector) => {
    const {
      method = "POST",
      headers = {},
      body = "",
      token,
    } = vector as Partial<Record<"method" | "body" | "token", string>> & { headers?: Record<string, string> };
    const signer = new Sigv4Signer({ region: "us-east-1", service: "service" });
    const signed = signer.sign(
      { method, path: "/", headers: { host, ...headers }, body },
      { ...credentials, ...(token !== undefined && { sessionToken: token }) },
      nowMs,
    );
    expect(signed["x-amz-date"]).toBe("20150830T123600Z");
    expect(signed["authorization"]).toBe(
      `AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders=${vector.signed}, Signature=${vector.signature}`,
    );
  });

  test("signs as the SDK does, whatever the body, also when day and credentials change", async () => {
    const signer = new Sigv4Signer({ region: "eu-west-1", service: "sqs" });
    await fc.assert(
      fc.asyncProperty(
        fc.string({ unit: "grapheme" }),
        fc.string({ minLength: 1 }),
        fc.date({ min: new Date("2015-01-01"), max: new Date("2090-01-01"), noInvalidDate: true }),
        async (body, secretAccessKey, date) => {
          const keys = { accessKeyId: "key", secretAccessKey };
          const headers = { host: "sqs.eu-west-1.amazonaws.com", "x-amz-target": "AmazonSQS.ReceiveMessage" };
          const sdk = new SignatureV4({
            credentials: keys,
            region: "eu-west-1",
            service: "sqs",
            sha256: Sha256,
            applyChecksum: false,
          });
          const request = {
            method: "POST",
            protocol: "https:",
            hostname: headers.host,
            path: "/",
            headers,
            body,
          };
          const expected = await sdk.sign(request, { signingDate: date });
          const signed = signer.sign({ method: "POST", path: "/", headers, body }, keys, date.getTime());
          expect(signed["authorization"]).toBe(expected.headers["authorization"]);
        },
      ),
    );
  });
});
