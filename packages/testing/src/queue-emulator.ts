import { SQSClient } from "@aws-sdk/client-sqs";
import { sleep } from "@kong-serverless/runtime";
import { type FauxqsServer, startFauxqs } from "fauxqs";

const region = "eu-west-1";
const credentials = { accessKeyId: "emulated", secretAccessKey: "emulated" };

export interface QueueLength {
  readonly ready: number;
  readonly inFlight: number;
}

/** SNS and SQS over the real AWS protocol, in this process, on a free port. */
export class QueueEmulator {
  readonly #server: FauxqsServer;

  private constructor(server: FauxqsServer) {
    this.#server = server;
  }

  static async start(): Promise<QueueEmulator> {
    return new QueueEmulator(await startFauxqs({ port: 0, logger: false, defaultRegion: region }));
  }

  /** What a process needs in its environment to talk to this emulator. */
  get env(): Readonly<Record<string, string>> {
    return {
      AWS_ENDPOINT_URL: this.#server.address,
      AWS_REGION: region,
      AWS_ACCESS_KEY_ID: credentials.accessKeyId,
      AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
    };
  }

  /** The caller destroys it. */
  createClient(): SQSClient {
    return new SQSClient({ endpoint: this.#server.address, region, credentials });
  }

  /** With `maxReceiveCount` the queue gets a dead-letter queue `NAME-dead`. Returns the queue's URL. */
  createQueue(name: string, { maxReceiveCount }: { maxReceiveCount?: number } = {}): string {
    const attributes: Record<string, string> = {};
    if (maxReceiveCount !== undefined) {
      const { queueArn } = this.#server.createQueue(`${name}-dead`, { region });
      attributes["RedrivePolicy"] = JSON.stringify({ deadLetterTargetArn: queueArn, maxReceiveCount });
    }
    this.#server.createQueue(name, { region, attributes });
    // The emulator's own URLs have a host name that resolves nowhere.
    return `${this.#server.address}/000000000000/${name}`;
  }

  deleteQueue(name: string): void {
    this.#server.deleteQueue(name, { region });
  }

  /** Makes a topic whose notifications go to the queue. */
  subscribe(topic: string, queue: string): void {
    this.#server.createTopic(topic, { region });
    this.#server.subscribe({ topic, queue, region });
  }

  send(queue: string, body: string): void {
    this.#server.sendMessage(queue, body, { region });
  }

  publish(topic: string, message: string): void {
    this.#server.publish(topic, message, { region });
  }

  length(queue: string): QueueLength {
    const { messages } = this.#server.inspectQueue(queue) ?? {};
    return { ready: messages?.ready.length ?? 0, inFlight: messages?.inflight.length ?? 0 };
  }

  /** Bodies of the messages that are neither in flight nor delayed. */
  bodies(queue: string): string[] {
    return this.#server.inspectQueue(queue)?.messages.ready.map(({ body }) => body) ?? [];
  }

  /** Resolves once the queue holds `messages` and none is in flight. */
  async waitForLength(queue: string, messages: number, timeoutMs = 30_000): Promise<void> {
    const giveUpAt = Date.now() + timeoutMs;
    for (;;) {
      const { ready, inFlight } = this.length(queue);
      if (ready === messages && inFlight === 0) return;
      if (Date.now() > giveUpAt) {
        throw new Error(`${queue}: ${ready} ready and ${inFlight} in flight after ${timeoutMs} ms`);
      }
      await sleep(20);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.stop();
  }
}
