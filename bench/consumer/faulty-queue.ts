import { Agent, type IncomingMessage, request, type ServerResponse } from "node:http";

import { sleep } from "@kong-serverless/runtime";
import { ScriptedServer } from "@kong-serverless/testing";

export interface Weather {
  /** Added to each request and to each answer. */
  readonly delayMs: number;
  /** Fraction of calls that get a throttling error. */
  readonly throttled: number;
  /** Whether calls get no answer, as if every packet were lost. */
  readonly isGone: boolean;
  /** Fraction of receive answers in which one message has a wrong checksum; the same fraction again is cut off in the middle. */
  readonly corrupted: number;
}

export const fair: Weather = { delayMs: 0, throttled: 0, isGone: false, corrupted: 0 };

/** Stands between a worker and a queue server and delays, refuses or corrupts what passes. */
export class FaultyQueue extends ScriptedServer {
  weather = fair;
  readonly #target: URL;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 256 });

  constructor(target: string) {
    super();
    this.#target = new URL(target);
  }

  protected override async handle(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const { delayMs, throttled, corrupted, isGone } = this.weather;
    const body = await read(incoming);
    if (isGone) return;
    if (delayMs > 0) await sleep(delayMs);
    if (Math.random() < throttled) {
      response.writeHead(400, { "content-type": "application/x-amz-json-1.0" });
      response.end('{"__type":"com.amazonaws.sqs#RequestThrottled","message":"too many"}');
      return;
    }
    const { status, headers, answer } = await this.#forward(incoming, body);
    if (delayMs > 0) await sleep(delayMs);
    const isReceive = String(incoming.headers["x-amz-target"]).endsWith(".ReceiveMessage");
    const fate = isReceive ? Math.random() : 1;
    if (fate < corrupted)
      response.writeHead(status, { ...headers, "content-length": undefined }).end(withWrongChecksum(answer));
    else if (fate < 2 * corrupted)
      response.writeHead(status, headers).write(answer.subarray(0, 10), () => response.destroy());
    else response.writeHead(status, headers).end(answer);
  }

  async #forward(incoming: IncomingMessage, body: Buffer) {
    const { hostname, port } = this.#target;
    const { method, url, headers } = incoming;
    const answered = await new Promise<IncomingMessage>((resolve, reject) => {
      const outgoing = request({ hostname, port, method, path: url, headers, agent: this.#agent }, resolve);
      outgoing.on("error", reject).end(body);
    });
    return { status: answered.statusCode ?? 502, headers: answered.headers, answer: await read(answered) };
  }
}

async function read(stream: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks);
}

function withWrongChecksum(answer: Buffer): string {
  const parsed = JSON.parse(answer.toString() || "{}") as { Messages?: { MD5OfBody: string }[] };
  const [first] = parsed.Messages ?? [];
  if (first !== undefined) first.MD5OfBody = "0".repeat(32);
  return JSON.stringify(parsed);
}
