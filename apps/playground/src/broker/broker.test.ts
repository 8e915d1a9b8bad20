import { CreateTopicCommand, PublishCommand } from "@aws-sdk/client-sns";
import {
  GetQueueAttributesCommand,
  GetQueueUrlCommand,
  ReceiveMessageCommand,
  SendMessageCommand,
} from "@aws-sdk/client-sqs";
import { expect, it, onTestFinished, vi } from "vitest";

import { Broker } from "./broker.ts";

async function startBroker({ wakeRetentionSeconds = 60 } = {}) {
  const broker = await Broker.start({
    region: "eu-west-1",
    topics: ["wake", "jobs"],
    wakeTopics: new Set(["wake"]),
    wakeRetentionSeconds,
    onError: (error) => errors.push(error),
  });
  const errors: unknown[] = [];
  onTestFinished(() => broker.stop());
  return { broker, errors };
}

async function urlOf(queue: string, { sqs }: Broker): Promise<string> {
  return (await sqs.send(new GetQueueUrlCommand({ QueueName: queue }))).QueueUrl ?? "";
}

async function send(queue: string, body: string, broker: Broker): Promise<void> {
  await broker.sqs.send(new SendMessageCommand({ QueueUrl: await urlOf(queue, broker), MessageBody: body }));
}

async function receive(queue: string, broker: Broker, visibilitySeconds = 30): Promise<string[]> {
  const { Messages = [] } = await broker.sqs.send(
    new ReceiveMessageCommand({
      QueueUrl: await urlOf(queue, broker),
      MaxNumberOfMessages: 10,
      VisibilityTimeout: visibilitySeconds,
    }),
  );
  return Messages.map(({ Body = "" }) => Body);
}

/** Advances the clock by which messages are stamped and expire, but no timers. */
function passSeconds(seconds: number): void {
  vi.setSystemTime(Date.now() + seconds * 1000);
  onTestFinished(() => void vi.useRealTimers());
}

it("delivers what is published to a topic to the queue of the same name only, in SNS's envelope", async () => {
  const { broker } = await startBroker();
  const { TopicArn } = await broker.sns.send(new CreateTopicCommand({ Name: "jobs" }));
  await broker.sns.send(new PublishCommand({ TopicArn, Message: "work" }));
  expect([await broker.queueLength("jobs"), await broker.queueLength("wake")]).toEqual([1, 0]);
  const [envelope = ""] = await receive("jobs", broker);
  expect(JSON.parse(envelope)).toMatchObject({ Type: "Notification", TopicArn, Message: "work" });
});

it("counts messages whether or not they have been received", async () => {
  const { broker } = await startBroker();
  for (const body of ["a", "b", "c"]) await send("jobs", body, broker);
  await receive("jobs", broker);
  await send("jobs", "d", broker);
  expect(await broker.queueLength("jobs")).toBe(4);
  expect(await broker.queueLength("no-such-queue")).toBe(0);
});

it("expires messages older than the retention from a wake queue, and none younger", async () => {
  const { broker, errors } = await startBroker({ wakeRetentionSeconds: 60 });
  for (const body of ["old", "older"]) await send("wake", body, broker);
  passSeconds(59);
  await send("wake", "young", broker);
  passSeconds(2);
  await expect.poll(() => broker.queueLength("wake")).toBe(1);
  expect(await receive("wake", broker)).toEqual(["young"]);
  expect(errors).toEqual([]);
});

it("empties a wake queue of more messages than one receive returns", async () => {
  const { broker } = await startBroker();
  for (let i = 0; i < 25; i++) await send("wake", String(i), broker);
  passSeconds(61);
  await expect.poll(() => broker.queueLength("wake")).toBe(0);
});

it("expires a message that was received and abandoned", async () => {
  const { broker } = await startBroker();
  await send("wake", "looked at", broker);
  await receive("wake", broker, 30);
  passSeconds(61);
  await expect.poll(() => broker.queueLength("wake")).toBe(0);
});

it("expires nothing on a work queue", async () => {
  const { broker } = await startBroker();
  await send("jobs", "work", broker);
  await send("wake", "wake", broker);
  passSeconds(10_000);
  await expect.poll(() => broker.queueLength("wake")).toBe(0);
  expect(await broker.queueLength("jobs")).toBe(1);
});

it("gives wake queues the shortest retention that SQS accepts, as provisioning does", async () => {
  const { broker } = await startBroker({ wakeRetentionSeconds: 6 });
  const { Attributes } = await broker.sqs.send(
    new GetQueueAttributesCommand({
      QueueUrl: await urlOf("wake", broker),
      AttributeNames: ["MessageRetentionPeriod"],
    }),
  );
  expect(Attributes).toEqual({ MessageRetentionPeriod: "60" });
});

it("gives the AWS SDK all that it needs to reach it", async () => {
  const { broker } = await startBroker();
  expect(broker.environment).toMatchObject({ AWS_ENDPOINT_URL: broker.endpoint, AWS_REGION: "eu-west-1" });
});
