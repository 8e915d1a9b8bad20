import { createHmac, createSecretKey, hash, type KeyObject } from "node:crypto";

export interface SigningCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

export interface UnsignedRequest {
  readonly method: string;
  /** The path in canonical form. Queries are not supported, since no call in SQS's JSON protocol has one. */
  readonly path: string;
  /** All of them are signed. Names are in lower case and include `host`. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/**
 * Signs requests with AWS Signature Version 4. Deriving the key is most of the work, so it is cached by day, region and service.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
 */
export class Sigv4Signer {
  readonly #region: string;
  readonly #service: string;
  #timestamp = { second: Number.NaN, text: "" };
  #key: { readonly secret: string; readonly date: string; readonly value: KeyObject } | undefined;

  constructor({ region, service }: { readonly region: string; readonly service: string }) {
    this.#region = region;
    this.#service = service;
  }

  /** The headers of `request`, with `x-amz-date`, `x-amz-security-token` where there is one, and `authorization`. */
  sign(request: UnsignedRequest, credentials: SigningCredentials, nowMs: number): Record<string, string> {
    const timestamp = this.#timestampAt(nowMs);
    const date = timestamp.slice(0, 8);
    const headers: Record<string, string> = { ...request.headers, "x-amz-date": timestamp };
    if (credentials.sessionToken !== undefined) headers["x-amz-security-token"] = credentials.sessionToken;
    const names = Object.keys(headers).toSorted();
    const signedHeaders = names.join(";");
    const canonicalHeaders = names.map((name) => `${name}:${canonicalValue(headers[name] ?? "")}\n`).join("");
    const canonicalRequest = `${request.method}\n${request.path}\n\n${canonicalHeaders}\n${signedHeaders}\n${hash("sha256", request.body)}`;
    const scope = `${date}/${this.#region}/${this.#service}/aws4_request`;
    const toSign = `AWS4-HMAC-SHA256\n${timestamp}\n${scope}\n${hash("sha256", canonicalRequest)}`;
    const signature = createHmac("sha256", this.#keyFor(credentials.secretAccessKey, date))
      .update(toSign)
      .digest("hex");
    headers["authorization"] =
      `AWS4-HMAC-SHA256 Credential=${credentials.accessKeyId}/${scope}, SignedHeaders=${signedHeaders}, Signature=${signature}`;
    return headers;
  }

  #timestampAt(epochMs: number): string {
    const second = Math.floor(epochMs / 1000);
    if (second !== this.#timestamp.second) this.#timestamp = { second, text: amzTimestamp(epochMs) };
    return this.#timestamp.text;
  }

  #keyFor(secret: string, date: string): KeyObject {
    if (this.#key?.secret !== secret || this.#key.date !== date) {
      const parts = [date, this.#region, this.#service, "aws4_request"];
      const key = parts.reduce<Buffer>(hmac, Buffer.from(`AWS4${secret}`));
      this.#key = { secret, date, value: createSecretKey(key) };
    }
    return this.#key.value;
  }
}

function hmac(key: Buffer | KeyObject, text: string): Buffer {
  return createHmac("sha256", key).update(text).digest();
}

/** `20150830T123600Z` */
function amzTimestamp(epochMs: number): string {
  return `${new Date(epochMs).toISOString().replace(/[-:]/g, "").slice(0, 15)}Z`;
}

/** Leading and trailing spaces are dropped, repeated ones collapsed. */
function canonicalValue(value: string): string {
  return value.includes(" ") ? value.trim().replace(/ +/g, " ") : value;
}

/** A clock that is off by more comes close to having its signatures refused: AWS allows five minutes. */
const maxSkewMs = 60_000;

/**
 * The queue service's time, from the monotonic clock and the dates of its answers: signatures stay valid when the wall clock
 * jumps or was wrong from the start.
 */
export class ServerClock {
  #offsetMs = performance.timeOrigin;

  /** Epoch ms. */
  get nowMs(): number {
    return this.#offsetMs + performance.now();
  }

  /** Compares an answer's `date` header. Returns whether the clock was off and has been corrected. */
  observe(date: string | undefined): boolean {
    if (date === undefined) return false;
    const serverMs = Date.parse(date);
    if (Number.isNaN(serverMs) || Math.abs(serverMs - this.nowMs) < maxSkewMs) return false;
    this.#offsetMs = serverMs - performance.now();
    return true;
  }
}
