import { CreateTopicCommand, SNSClient, SubscribeCommand } from "@aws-sdk/client-sns";
import { CreateQueueCommand, SQSClient } from "@aws-sdk/client-sqs";

import { accountId, Emulator } from "./emulator.ts";
import { MessageExpiry } from "./message-expiry.ts";

export interface BrokerOptions {
  readonly region: string;
  /** Topics, each with a queue of the same name subscribed to it: what has to be provisioned on AWS. */
  readonly topics: readonly string[];
  /** Topics whose queue nobody consumes: their messages leave only by expiry. */
  readonly wakeTopics: ReadonlySet<string>;
  readonly wakeRetentionSeconds: number;
  readonly onError: (error: unknown) => void;
}

/** fauxqs accepts any credentials, but wants some. */
const credentials = { accessKeyId: "playground", secretAccessKey: "playground" };
/** The least that SQS accepts (SetQueueAttributes, MessageRetentionPeriod). */
const leastRetentionSeconds = 60;

/**
 * SNS and SQS, played by fauxqs over the real AWS protocol on loopback. Message expiry, the one thing that fauxqs
 * lacks, is added here.
 */
export class Broker {
  readonly #options: BrokerOptions;
  readonly #emulator: Emulator;
  readonly #expiry: MessageExpiry;
  readonly sns: SNSClient;
  readonly sqs: SQSClient;

  static async start(options: BrokerOptions): Promise<Broker> {
    const broker = new Broker(options, await Emulator.start(options.region));
    await broker.#provision();
    return broker;
  }

  private constructor(options: BrokerOptions, emulator: Emulator) {
    this.#options = options;
    this.#emulator = emulator;
    const client = { region: options.region, endpoint: this.endpoint, credentials };
    this.sns = new SNSClient(client);
    this.sqs = new SQSClient(client);
    this.#expiry = new MessageExpiry({
      emulator,
      sqs: this.sqs,
      queues: [...options.wakeTopics],
      retentionSeconds: options.wakeRetentionSeconds,
      onError: options.onError,
    });
  }

  get endpoint(): string {
    return this.#emulator.endpoint;
  }

  /** Environment variables with which the AWS SDK and daprd reach this broker instead of AWS. */
  get environment(): Record<string, string> {
    return {
      AWS_ENDPOINT_URL: this.endpoint,
      AWS_REGION: this.#options.region,
      AWS_ACCESS_KEY_ID: credentials.accessKeyId,
      AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
    };
  }

  topicArn(topic: string): string {
    return `arn:aws:sns:${this.#options.region}:${accountId}:${topic}`;
  }

  queueUrl(queue: string): string {
    return `${this.endpoint}/${accountId}/${queue}`;
  }

  /** Messages on a queue, whether or not they have been received. */
  async queueLength(queue: string): Promise<number> {
    const messages = (await this.#emulator.inspect(queue))?.messages;
    return messages ? messages.ready.length + messages.inflight.length + messages.delayed.length : 0;
  }

  async stop(): Promise<void> {
    await this.#expiry.stop();
    this.sns.destroy();
    this.sqs.destroy();
    await this.#emulator.stop();
  }

  async #provision(): Promise<void> {
    const { topics, wakeTopics, region } = this.#options;
    await Promise.all(
      topics.map(async (topic) => {
        const Attributes = { MessageRetentionPeriod: String(leastRetentionSeconds) };
        await Promise.all([
          this.sns.send(new CreateTopicCommand({ Name: topic })),
          this.sqs.send(
            new CreateQueueCommand({ QueueName: topic, ...(wakeTopics.has(topic) && { Attributes }) }),
          ),
        ]);
        const Endpoint = `arn:aws:sqs:${region}:${accountId}:${topic}`;
        await this.sns.send(
          new SubscribeCommand({ TopicArn: this.topicArn(topic), Protocol: "sqs", Endpoint }),
        );
      }),
    );
  }
}
