import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from "node:http";
import { text } from "node:stream/consumers";

import { SQSClient, type SQSClientConfig } from "@aws-sdk/client-sqs";
import { ScriptedServer } from "@kong-serverless/testing";

export interface SqsAnswer {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** An object is sent as JSON. */
  readonly body?: object | string;
  /** Closes the connection instead, or in the middle of the body. */
  readonly cut?: boolean;
  /** Never answers. */
  readonly isSilent?: boolean;
}

export interface SqsRequest {
  readonly operation: string;
  readonly headers: IncomingHttpHeaders;
  readonly input: Readonly<Record<string, unknown>>;
}

/** An SQS endpoint with scripted answers, for those that no emulator gives. */
export class ScriptedSqs extends ScriptedServer {
  readonly requests: SqsRequest[] = [];
  /** Answers by operation; an operation without one gets `{}`. */
  readonly #answers = new Map<string, SqsAnswer[]>();

  /** The next calls of the operation get these, in order; the last is repeated. */
  script(operation: string, ...answers: readonly SqsAnswer[]): void {
    this.#answers.set(operation, [...answers]);
  }

  client(config: SQSClientConfig = {}): SQSClient {
    const credentials = { accessKeyId: "test", secretAccessKey: "test" };
    return new SQSClient({ endpoint: this.url, region: "eu-west-1", credentials, ...config });
  }

  protected override async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const input = JSON.parse(await text(request)) as Record<string, unknown>;
    const operation = String(request.headers["x-amz-target"]).replace("AmazonSQS.", "");
    this.requests.push({ operation, headers: request.headers, input });
    const { status = 200, headers, body = {}, cut, isSilent } = this.#next(operation);
    if (isSilent) return;
    const sent = typeof body === "string" ? body : JSON.stringify(body);
    if (!cut) {
      response.writeHead(status, { "content-type": "application/x-amz-json-1.0", ...headers }).end(sent);
      return;
    }
    response.writeHead(status, { "content-length": String(sent.length + 10) });
    response.write(sent, () => response.destroy());
  }

  #next(operation: string): SqsAnswer {
    const answers = this.#answers.get(operation) ?? [];
    return (answers.length > 1 ? answers.shift() : answers[0]) ?? {};
  }
}

/** An error answer of SQS's JSON protocol. */
export function sqsError(name: string, status: number, message = name): SqsAnswer {
  return { status, body: { __type: `com.amazonaws.sqs#${name}`, message } };
}
