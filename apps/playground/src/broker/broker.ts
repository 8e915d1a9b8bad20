import { SNSClient } from "@aws-sdk/client-sns";
import { SQSClient } from "@aws-sdk/client-sqs";
import { type FauxqsServer, startFauxqs } from "fauxqs";

import { MessageExpiry } from "./message-expiry.ts";

export interface BrokerOptions {
  readonly region: string;
  /** Topics, each with a queue of its own name subscribed to it: what has to be provisioned on AWS. */
  readonly topics: readonly string[];
  /** Topics whose queue nobody consumes: their messages leave by expiry alone. */
  readonly wakeTopics: ReadonlySet<string>;
  readonly wakeRetentionSeconds: number;
  readonly onError: (error: unknown) => void;
}

/** Credentials of nobody: fauxqs accepts any, and must be given some. */
const credentials = { accessKeyId: "playground", secretAccessKey: "playground" };
/** The least that SQS accepts (SetQueueAttributes, MessageRetentionPeriod). */
const leastRetentionSeconds = 60;

/**
 * SNS and SQS, played by fauxqs over the real AWS protocol on loopback. The one thing that fauxqs lacks, messages that expire, is
 * played here.
 */
export class Broker {
  readonly #options: BrokerOptions;
  readonly #server: FauxqsServer;
  readonly #expiry: MessageExpiry;
  readonly sns: SNSClient;
  readonly sqs: SQSClient;

  static async start(options: BrokerOptions): Promise<Broker> {
    const server = await startFauxqs({
      port: 0,
      host: "127.0.0.1",
      logger: false,
      defaultRegion: options.region,
    });
    return new Broker(options, server);
  }

  private constructor(options: BrokerOptions, server: FauxqsServer) {
    this.#options = options;
    this.#server = server;
    const client = { region: options.region, endpoint: this.endpoint, credentials };
    this.sns = new SNSClient(client);
    this.sqs = new SQSClient(client);
    this.#provision();
    this.#expiry = new MessageExpiry({
      server,
      sqs: this.sqs,
      queues: [...options.wakeTopics],
      retentionSeconds: options.wakeRetentionSeconds,
      onError: options.onError,
    });
  }

  get endpoint(): string {
    return `http://127.0.0.1:${this.#server.port}`;
  }

  /** What the AWS SDK and daprd read to reach this broker instead of AWS. */
  get environment(): Record<string, string> {
    return {
      AWS_ENDPOINT_URL: this.endpoint,
      AWS_REGION: this.#options.region,
      AWS_ACCESS_KEY_ID: credentials.accessKeyId,
      AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
    };
  }

  /** Messages that lie on a queue, handed out or not. */
  queueLength(queue: string): number {
    const messages = this.#server.inspectQueue(queue)?.messages;
    return messages ? messages.ready.length + messages.inflight.length + messages.delayed.length : 0;
  }

  async stop(): Promise<void> {
    await this.#expiry.stop();
    this.sns.destroy();
    this.sqs.destroy();
    await this.#server.stop();
  }

  #provision(): void {
    for (const topic of this.#options.topics) {
      this.#server.createTopic(topic);
      this.#server.createQueue(
        topic,
        this.#options.wakeTopics.has(topic)
          ? { attributes: { MessageRetentionPeriod: String(leastRetentionSeconds) } }
          : {},
      );
      this.#server.subscribe({ topic, queue: topic });
    }
  }
}
