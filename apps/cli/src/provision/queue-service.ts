import {
  CreateTopicCommand,
  paginateListSubscriptionsByTopic,
  paginateListTopics,
  SNSClient,
  SubscribeCommand,
} from "@aws-sdk/client-sns";
import {
  CreateQueueCommand,
  GetQueueAttributesCommand,
  GetQueueUrlCommand,
  QueueDoesNotExist,
  SetQueueAttributesCommand,
  SQSClient,
} from "@aws-sdk/client-sqs";
import { ServerlessError, withDeadline } from "@kong-serverless/runtime";

export interface QueueServiceOptions {
  /** Undefined: the SDK finds one in its environment. */
  readonly region: string | undefined;
  /** Address of a queue service other than AWS. */
  readonly endpoint: string | undefined;
  readonly signal: AbortSignal;
}

export interface FoundQueue {
  readonly url: string;
  readonly arn: string;
  readonly attributes: Readonly<Record<string, string>>;
}

const timeoutMs = 30_000;

/** The calls to SNS and SQS that provisioning needs. Each ends within 30 s, or throws QUEUE_SERVICE_FAILED. */
export class QueueService {
  readonly #sns: SNSClient;
  readonly #sqs: SQSClient;
  readonly #signal: AbortSignal;

  constructor({ region, endpoint, signal }: QueueServiceOptions) {
    const settings = { ...(region !== undefined && { region }), ...(endpoint !== undefined && { endpoint }) };
    this.#sns = new SNSClient(settings);
    this.#sqs = new SQSClient(settings);
    this.#signal = signal;
  }

  [Symbol.dispose](): void {
    this.#sns.destroy();
    this.#sqs.destroy();
  }

  /** The ARNs of all topics by their names. */
  async topics(): Promise<ReadonlyMap<string, string>> {
    const arns = await this.#call("ListTopics", async () => {
      const found: string[] = [];
      for await (const page of paginateListTopics({ client: this.#sns }, {})) {
        found.push(...(page.Topics ?? []).flatMap(({ TopicArn }) => TopicArn ?? []));
      }
      return found;
    });
    return new Map(arns.map((arn) => [arn.slice(arn.lastIndexOf(":") + 1), arn]));
  }

  /** Returns the topic's ARN. */
  async createTopic(name: string): Promise<string> {
    const { TopicArn: arn } = await this.#call(`CreateTopic ${name}`, (abortSignal) =>
      this.#sns.send(new CreateTopicCommand({ Name: name }), { abortSignal }),
    );
    return arn ?? "";
  }

  /** Undefined if there is no such queue. */
  async findQueue(name: string): Promise<FoundQueue | undefined> {
    const url = await this.#call(`GetQueueUrl ${name}`, async (abortSignal) => {
      try {
        return (await this.#sqs.send(new GetQueueUrlCommand({ QueueName: name }), { abortSignal })).QueueUrl;
      } catch (error) {
        if (error instanceof QueueDoesNotExist) return undefined;
        throw error;
      }
    });
    return url === undefined ? undefined : this.#readQueue(url);
  }

  async createQueue(name: string, attributes: Readonly<Record<string, string>>): Promise<FoundQueue> {
    const { QueueUrl: url = "" } = await this.#call(`CreateQueue ${name}`, (abortSignal) =>
      this.#sqs.send(new CreateQueueCommand({ QueueName: name, Attributes: attributes }), { abortSignal }),
    );
    return this.#readQueue(url);
  }

  async setAttributes({ url }: FoundQueue, attributes: Readonly<Record<string, string>>): Promise<void> {
    await this.#call(`SetQueueAttributes ${url}`, (abortSignal) =>
      this.#sqs.send(new SetQueueAttributesCommand({ QueueUrl: url, Attributes: attributes }), {
        abortSignal,
      }),
    );
  }

  async isSubscribed(topicArn: string, queueArn: string): Promise<boolean> {
    return this.#call(`ListSubscriptionsByTopic ${topicArn}`, async () => {
      const pages = paginateListSubscriptionsByTopic({ client: this.#sns }, { TopicArn: topicArn });
      for await (const { Subscriptions: found = [] } of pages) {
        if (found.some(({ Endpoint }) => Endpoint === queueArn)) return true;
      }
      return false;
    });
  }

  async subscribe(topicArn: string, queueArn: string): Promise<void> {
    await this.#call(`Subscribe ${topicArn}`, (abortSignal) =>
      this.#sns.send(new SubscribeCommand({ TopicArn: topicArn, Protocol: "sqs", Endpoint: queueArn }), {
        abortSignal,
      }),
    );
  }

  async #readQueue(url: string): Promise<FoundQueue> {
    const { Attributes: attributes = {} } = await this.#call(`GetQueueAttributes ${url}`, (abortSignal) =>
      this.#sqs.send(new GetQueueAttributesCommand({ QueueUrl: url, AttributeNames: ["All"] }), {
        abortSignal,
      }),
    );
    return { url, arn: attributes["QueueArn"] ?? "", attributes };
  }

  async #call<Result>(what: string, ask: (signal: AbortSignal) => Promise<Result>): Promise<Result> {
    using deadline = withDeadline(
      timeoutMs,
      () => new Error(`no answer within ${timeoutMs} ms`),
      this.#signal,
    );
    const { promise: late, reject } = Promise.withResolvers<never>();
    const onAbort = () => reject(deadline.signal.reason as Error);
    deadline.signal.addEventListener("abort", onAbort, { once: true });
    try {
      // The SDK's paginators take no signal, and its error when aborted does not say why.
      return await Promise.race([ask(deadline.signal), late]);
    } catch (error) {
      const { name, message } = error as Error;
      throw new ServerlessError("QUEUE_SERVICE_FAILED", `${what}: ${name}: ${message}`, { cause: error });
    }
  }
}
