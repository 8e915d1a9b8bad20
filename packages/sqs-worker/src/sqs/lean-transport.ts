import type { Readable } from "node:stream";

import type { SQSClient } from "@aws-sdk/client-sqs";
import { sleep, unlessAborted } from "@kong-serverless/runtime";
import { HttpRequest, type HttpResponse } from "@smithy/core/protocols";
import { isServerError, isThrottlingError, isTransientError } from "@smithy/core/retry";
import type { RetryErrorType, RetryStrategyV2, RetryToken, SdkError } from "@smithy/types";

import { QueueAnswerError, QueueCredentialsError } from "../errors.ts";
import { ServerClock, Sigv4Signer } from "./sigv4.ts";
import {
  type CallSignals,
  Credentials,
  type Input,
  originOf,
  type Output,
  type SqsOperation,
  type SqsTransport,
  type TransportOptions,
} from "./transport.ts";

/** An error answer from SQS, in the SDK's shape. */
class SqsServiceError extends Error {
  readonly $metadata: { readonly httpStatusCode: number; readonly clockSkewCorrected: boolean };

  constructor(name: string, message: string, httpStatusCode: number, clockSkewCorrected: boolean) {
    super(message);
    this.name = name;
    this.$metadata = { httpStatusCode, clockSkewCorrected };
  }
}

/** More than ten messages of 1 MiB with all their attributes. */
const maxAnswerBytes = 32 * 1024 * 1024;

/**
 * Signs and sends calls in SQS's JSON protocol itself. Credentials, region, endpoints, connections and the retry policy are the
 * client's; its middleware, which accounts for most of a call's cost, is bypassed.
 * https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-making-api-requests-json.html
 */
export class LeanTransport implements SqsTransport {
  readonly #client: SQSClient;
  readonly #options: TransportOptions;
  readonly #clock = new ServerClock();
  readonly #credentials: Credentials;
  #signer: Promise<Sigv4Signer> | undefined;
  /** Cached from the last call. */
  #origin: { readonly queueUrl: string | undefined; readonly url: URL } | undefined;

  constructor(client: SQSClient, options: TransportOptions) {
    this.#client = client;
    this.#credentials = new Credentials(client);
    this.#options = options;
  }

  async call<Operation extends SqsOperation>(
    operation: Operation,
    input: Input<Operation>,
    signals: CallSignals,
  ): Promise<Output<Operation>> {
    const body = JSON.stringify(input);
    const origin = await this.#originOf("QueueUrl" in input ? input.QueueUrl : undefined);
    let isRefreshed = false;
    let retry: Retry | undefined;
    for (;;) {
      try {
        const answer = await this.#send(operation, origin, body, signals);
        retry?.succeeded();
        return answer as Output<Operation>;
      } catch (error) {
        signals.signal.throwIfAborted();
        // The credentials provider has already retried.
        if (error instanceof QueueCredentialsError) throw error;
        if (isExpiredToken(error) && !isRefreshed) {
          isRefreshed = true;
          await this.#credentials.refresh(signals);
          continue;
        }
        retry ??= await Retry.start(this.#client, operation);
        if (!(await unlessAborted(retry.mayGoOn(error), signals.signal))) throw error;
      }
    }
  }

  async #originOf(queueUrl: string | undefined): Promise<URL> {
    if (this.#origin === undefined || this.#origin.queueUrl !== queueUrl) {
      this.#origin = { queueUrl, url: await originOf(this.#client, queueUrl) };
    }
    return this.#origin.url;
  }

  async #send(operation: SqsOperation, origin: URL, body: string, signals: CallSignals): Promise<unknown> {
    const credentials = await this.#credentials.get(signals);
    this.#signer ??= this.#client.config
      .region()
      .then((region) => new Sigv4Signer({ region, service: "sqs" }));
    const signer = await this.#signer;
    const headers = signer.sign(
      {
        method: "POST",
        path: "/",
        headers: {
          host: origin.host,
          "content-type": "application/x-amz-json-1.0",
          "x-amz-target": `AmazonSQS.${operation}`,
          "x-amzn-query-mode": "true",
        },
        body,
      },
      credentials,
      this.#clock.nowMs,
    );
    headers["content-length"] = String(Buffer.byteLength(body));
    signals.stopping?.throwIfAborted();
    this.#options.onRequest(operation);
    const { response } = await this.#client.config.requestHandler.handle(
      new HttpRequest({
        method: "POST",
        protocol: origin.protocol,
        hostname: origin.hostname,
        ...(origin.port !== "" && { port: Number(origin.port) }),
        path: "/",
        headers,
        body,
      }),
      { abortSignal: signals.signal },
    );
    return this.#read(response, await readBody(response, signals.signal));
  }

  #read(response: HttpResponse, text: string): unknown {
    const isClockCorrected = this.#clock.observe(response.headers["date"]);
    // Like the SDK, take an empty body for an empty object.
    const answer = text === "" ? {} : parseObject(text);
    if (response.statusCode < 200 || response.statusCode >= 300) {
      throw toServiceError(response, answer, isClockCorrected);
    }
    if (answer === undefined) throw new QueueAnswerError("the queue's answer is not a JSON object");
    return answer;
  }
}

/** The client's retry policy applied to one call that has failed at least once. */
class Retry {
  readonly #strategy: RetryStrategyV2;
  #token: RetryToken;

  private constructor(strategy: RetryStrategyV2, token: RetryToken) {
    this.#strategy = strategy;
    this.#token = token;
  }

  static async start(client: SQSClient, operation: SqsOperation): Promise<Retry> {
    const strategy = (await client.config.retryStrategy()) as RetryStrategyV2;
    // The same scope that the SDK's own client passes: after a long poll the policy may wait longer.
    const token = await strategy.acquireInitialRetryToken(operation === "ReceiveMessage" ? ":longpoll" : "");
    return new Retry(strategy, token);
  }

  succeeded(): void {
    this.#strategy.recordSuccess(this.#token);
  }

  /** Resolves with true after the delay before the next attempt, or with false if there should be none. */
  async mayGoOn(error: unknown): Promise<boolean> {
    if (!(error instanceof Error)) return false;
    try {
      const errorInfo = { error: error as SdkError, errorType: errorTypeOf(error as SdkError) };
      this.#token = await this.#strategy.refreshRetryTokenForRetry(this.#token, errorInfo);
    } catch {
      return false;
    }
    await sleep(this.#token.getRetryDelay());
    return true;
  }
}

function errorTypeOf(error: SdkError): RetryErrorType {
  if (isThrottlingError(error)) return "THROTTLING";
  if (isTransientError(error)) return "TRANSIENT";
  return isServerError(error) ? "SERVER_ERROR" : "CLIENT_ERROR";
}

/** Credentials may have expired even though they are still valid by the client's clock. */
function isExpiredToken(error: unknown): boolean {
  return error instanceof SqsServiceError && /ExpiredToken/.test(error.name);
}

/** Reads the whole body, until the signal aborts and up to a size that no valid answer reaches. */
function readBody({ body }: HttpResponse, signal: AbortSignal): Promise<string> {
  const stream = body as Readable;
  // Events rather than an iterator, which costs a promise per chunk: much of a call's time is spent here.
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let length = 0;
    const onAbort = () => stream.destroy(signal.reason as Error);
    stream.on("data", (chunk: Buffer) => {
      chunks.push(chunk);
      length += chunk.length;
      if (length <= maxAnswerBytes) return;
      stream.destroy(new QueueAnswerError(`the answer is longer than ${maxAnswerBytes} bytes`));
    });
    stream.on("end", () => resolve(Buffer.concat(chunks, length).toString()));
    stream.on("error", reject);
    stream.on("close", () => {
      signal.removeEventListener("abort", onAbort);
      // No effect after an end or an error.
      reject(new QueueAnswerError("the answer was cut off"));
    });
    if (signal.aborted) onAbort();
    else signal.addEventListener("abort", onAbort, { once: true });
  });
}

function parseObject(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

/** https://smithy.io/2.0/aws/protocols/aws-json-1_0-protocol.html#operation-error-serialization */
function toServiceError(
  response: HttpResponse,
  answer: Readonly<Record<string, unknown>> = {},
  isClockCorrected: boolean,
): Error {
  const { __type: type, code, message, Message } = answer;
  const identifier = [type, code, response.headers["x-amzn-errortype"]].find(isString) ?? "";
  const [name = ""] = identifier.replace(/^.*#/, "").split(/[:,]/);
  const text = [message, Message].find(isString);
  return new SqsServiceError(
    name === "" ? `HTTP${response.statusCode}` : name,
    text ?? `status ${response.statusCode}`,
    response.statusCode,
    isClockCorrected,
  );
}

function isString(value: unknown): value is string {
  return typeof value === "string";
}
