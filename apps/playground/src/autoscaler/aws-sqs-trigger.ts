import { GetQueueAttributesCommand, GetQueueUrlCommand, type SQSClient } from "@aws-sdk/client-sqs";

import type { ScaledObjectTrigger } from "../manifests/kinds.ts";
import { httpTimeoutMs, type PolledTrigger, type TriggerReading } from "./trigger.ts";

export type AwsSqsSettings = Extract<ScaledObjectTrigger, { type: "aws-sqs-queue" }>["metadata"];

/**
 * `aws-sqs-queue`: a queue's length, from the attributes that KEDA adds up.
 * https://keda.sh/docs/latest/scalers/aws-sqs/
 */
export class AwsSqsTrigger implements PolledTrigger {
  readonly name: string;
  readonly type = "aws-sqs-queue";
  readonly timeoutMs = httpTimeoutMs;
  readonly #settings: AwsSqsSettings;
  readonly #sqs: SQSClient;
  #queueUrl: string | undefined;

  constructor(name: string, settings: AwsSqsSettings, sqs: SQSClient) {
    this.name = name;
    this.#settings = settings;
    this.#sqs = sqs;
  }

  get targetPerReplica(): number {
    return Number(this.#settings.queueLength);
  }

  async read(signal: AbortSignal): Promise<TriggerReading> {
    const { scaleOnInFlight, scaleOnDelayed, activationQueueLength } = this.#settings;
    const { Attributes = {} } = await this.#sqs.send(
      new GetQueueAttributesCommand({
        QueueUrl: await this.#findQueueUrl(signal),
        AttributeNames: [
          "ApproximateNumberOfMessages",
          "ApproximateNumberOfMessagesNotVisible",
          "ApproximateNumberOfMessagesDelayed",
        ],
      }),
      { abortSignal: signal },
    );
    const value =
      Number(Attributes["ApproximateNumberOfMessages"] ?? 0) +
      (scaleOnInFlight === "true" ? Number(Attributes["ApproximateNumberOfMessagesNotVisible"] ?? 0) : 0) +
      (scaleOnDelayed === "true" ? Number(Attributes["ApproximateNumberOfMessagesDelayed"] ?? 0) : 0);
    return {
      value,
      // Strictly greater, as in KEDA.
      isActive: value > Number(activationQueueLength),
      targetPerReplica: this.targetPerReplica,
    };
  }

  /** Looks up a bare name, which AWS itself accepts as a URL within the region. */
  async #findQueueUrl(signal: AbortSignal): Promise<string> {
    const { queueURL } = this.#settings;
    if (queueURL.includes("/")) return queueURL;
    this.#queueUrl ??= (
      await this.#sqs.send(new GetQueueUrlCommand({ QueueName: queueURL }), { abortSignal: signal })
    ).QueueUrl;
    return this.#queueUrl ?? queueURL;
  }
}
