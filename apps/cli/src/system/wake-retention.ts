import type { QueueTrigger } from "./scaler.ts";
import type { System } from "./system.ts";

/** SQS's least, which wake queues are provisioned with, and what RabbitMQ's should have too. */
export const leastRetentionSeconds = 60;

/** Seconds after which a message leaves the wake queue by itself. */
export function wakeRetentionSeconds({ rabbitmq }: System, { broker, queue }: QueueTrigger): number {
  if (broker === "sqs") return leastRetentionSeconds;
  const defined = rabbitmq?.queues.find(({ name }) => name === queue);
  return (Number(defined?.arguments["x-message-ttl"]) || leastRetentionSeconds * 1000) / 1000;
}
