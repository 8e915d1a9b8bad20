import { ReceiveMessageCommand, SendMessageCommand, type SQSClient } from "@aws-sdk/client-sqs";
import { QueueEmulator } from "@kong-serverless/testing";
import { afterAll, beforeAll, expect, it } from "vitest";

import { AwsSqsTrigger, type AwsSqsSettings } from "./aws-sqs-trigger.ts";

const never = new AbortController().signal;
const settings: AwsSqsSettings = {
  queueURL: "jobs",
  awsRegion: "eu-west-1",
  queueLength: "5",
  activationQueueLength: "0",
  scaleOnInFlight: "true",
  scaleOnDelayed: "false",
};

let queues: QueueEmulator;
let sqs: SQSClient;
let queueUrl: string;

// Three visible messages, one in flight, two delayed.
beforeAll(async () => {
  queues = await QueueEmulator.start();
  sqs = queues.createClient();
  queueUrl = queues.createQueue("jobs");
  queues.send("jobs", "in flight");
  await sqs.send(new ReceiveMessageCommand({ QueueUrl: queueUrl, VisibilityTimeout: 600 }));
  for (let i = 0; i < 3; i++) queues.send("jobs", "visible");
  for (let i = 0; i < 2; i++) {
    await sqs.send(new SendMessageCommand({ QueueUrl: queueUrl, MessageBody: "delayed", DelaySeconds: 600 }));
  }
});
afterAll(async () => {
  sqs.destroy();
  await queues[Symbol.asyncDispose]();
});

const read = (changes: Partial<AwsSqsSettings> = {}, signal = never) =>
  new AwsSqsTrigger("jobs", { ...settings, ...changes }, sqs).read(signal);

// "scaleOnInFlight: default true", "scaleOnDelayed: default false"
it("adds up visible messages and those in flight, and delayed ones if configured", async () => {
  expect((await read()).value).toBe(4);
  expect((await read({ scaleOnInFlight: "false" })).value).toBe(3);
  expect((await read({ scaleOnDelayed: "true" })).value).toBe(6);
});

// "activationQueueLength: active when strictly greater"
it("is active above the activation length only", async () => {
  expect(await read({ activationQueueLength: "3" })).toMatchObject({ isActive: true, targetPerReplica: 5 });
  expect(await read({ activationQueueLength: "4" })).toMatchObject({ isActive: false });
});

it("accepts a full URL as well as a name", async () => {
  expect((await read({ queueURL: queueUrl })).value).toBe(4);
});

it("fails if there is no such queue", async () => {
  await expect(read({ queueURL: "no-such-queue" })).rejects.toThrow(/queue does not exist/i);
});

it("gives up when aborted", async () => {
  await expect(read({}, AbortSignal.abort())).rejects.toThrow(/abort/i);
});
