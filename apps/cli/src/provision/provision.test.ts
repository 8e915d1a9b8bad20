import { CreateTopicCommand, SNSClient } from "@aws-sdk/client-sns";
import { GetQueueAttributesCommand, SetQueueAttributesCommand, SQSClient } from "@aws-sdk/client-sqs";
import { readGateway, readSystem } from "@kong-serverless/manifests";
import { QueueEmulator } from "@kong-serverless/testing";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";

import { plant } from "../testing/planted.ts";
import { type ResourceChange, provision } from "./provision.ts";
import { QueueService } from "./queue-service.ts";
import { wantedFor } from "./wanted.ts";

let emulator: QueueEmulator;
let service: QueueService;
let sqs: SQSClient;
beforeEach(async () => {
  emulator = await QueueEmulator.start();
  for (const [name, value] of Object.entries(emulator.env)) vi.stubEnv(name, value);
  service = new QueueService({
    region: "eu-west-1",
    endpoint: emulator.env["AWS_ENDPOINT_URL"],
    signal: new AbortController().signal,
  });
  sqs = emulator.createClient();
});
afterEach(async () => {
  vi.unstubAllEnvs();
  service[Symbol.dispose]();
  sqs.destroy();
  await emulator[Symbol.asyncDispose]();
});

const wanted = async () => wantedFor(readSystem(await plant(), readGateway()));
const run = async (dryRun = false) => provision(await wanted(), service, { dryRun });
const short = (changes: readonly ResourceChange[]) =>
  changes.map(({ action, resource, name }) => `${action} ${resource} ${name}`);
const attributesOf = async (name: string) => {
  const url = `${emulator.env["AWS_ENDPOINT_URL"]}/000000000000/${name}`;
  return (await sqs.send(new GetQueueAttributesCommand({ QueueUrl: url, AttributeNames: ["All"] })))
    .Attributes;
};
const setAttribute = (name: string, attribute: string, value: string) =>
  sqs.send(
    new SetQueueAttributesCommand({
      QueueUrl: `${emulator.env["AWS_ENDPOINT_URL"]}/000000000000/${name}`,
      Attributes: { [attribute]: value },
    }),
  );

const everything = [
  "topic wake-demo-backend",
  "queue wake-demo-backend",
  "subscription wake-demo-backend -> wake-demo-backend",
  "queue jobs-dead",
  "topic jobs",
  "queue jobs",
  "subscription jobs -> jobs",
];
const all = (action: string) => everything.map((resource) => `${action} ${resource}`);

describe("provision", () => {
  test("creates everything the first time, and nothing the second time", async () => {
    expect(short(await run())).toEqual(all("create"));
    const again = await run();
    expect(short(again)).toEqual(all("none"));
    expect(again.flatMap(({ attributes }) => attributes)).toEqual([]);
  });

  test("gives wake queues a retention of a minute, and work queues a dead-letter queue", async () => {
    await run();
    expect(await attributesOf("wake-demo-backend")).toMatchObject({
      MessageRetentionPeriod: "60",
      SqsManagedSseEnabled: "true",
    });
    const jobs = await attributesOf("jobs");
    expect(JSON.parse(jobs?.["RedrivePolicy"] ?? "")).toMatchObject({
      deadLetterTargetArn: "arn:aws:sqs:eu-west-1:000000000000:jobs-dead",
    });
    expect(JSON.parse(jobs?.["Policy"] ?? "")).toMatchObject({
      Statement: [
        {
          Principal: { Service: "sns.amazonaws.com" },
          Action: "sqs:SendMessage",
          Resource: "arn:aws:sqs:eu-west-1:000000000000:jobs",
          Condition: { ArnEquals: { "aws:SourceArn": "arn:aws:sns:eu-west-1:000000000000:jobs" } },
        },
      ],
    });
  });

  test("delivers what is published to a topic to its queue", async () => {
    await run();
    emulator.publish("jobs", "work");
    await emulator.waitForLength("jobs", 1);
    expect(emulator.length("wake-demo-backend")).toEqual({ ready: 0, inFlight: 0 });
  });

  test("repairs drift, reports old and new values, and leaves the rest alone", async () => {
    await run();
    await setAttribute("wake-demo-backend", "MessageRetentionPeriod", "345600");
    await setAttribute("jobs", "VisibilityTimeout", "77");
    const changes = await run();
    expect(changes.filter(({ action }) => action !== "none")).toEqual([
      {
        resource: "queue",
        name: "wake-demo-backend",
        action: "change",
        attributes: [{ name: "MessageRetentionPeriod", from: "345600", to: "60" }],
      },
    ]);
    expect(short(await run())).toEqual(all("none"));
    expect(await attributesOf("jobs")).toMatchObject({ VisibilityTimeout: "77" });
  });

  test("creates what a half-finished run left out", async () => {
    const sns = new SNSClient({
      region: "eu-west-1",
      endpoint: emulator.env["AWS_ENDPOINT_URL"] ?? "",
      credentials: { accessKeyId: "a", secretAccessKey: "b" },
    });
    await sns.send(new CreateTopicCommand({ Name: "jobs" }));
    sns.destroy();
    emulator.createQueue("jobs");
    expect(short(await run())).toEqual([
      "create topic wake-demo-backend",
      "create queue wake-demo-backend",
      "create subscription wake-demo-backend -> wake-demo-backend",
      "create queue jobs-dead",
      "none topic jobs",
      "change queue jobs",
      "create subscription jobs -> jobs",
    ]);
    expect(short(await run())).toEqual(all("none"));
  });

  test("changes nothing in a dry run, whatever exists", async () => {
    expect(short(await run(true))).toEqual(all("create"));
    expect(short(await run(true))).toEqual(all("create"));
    await run();
    await setAttribute("jobs", "MessageRetentionPeriod", "60");
    const change = (await run(true)).find(({ action }) => action !== "none");
    expect(change?.attributes).toEqual([{ name: "MessageRetentionPeriod", from: "60", to: "345600" }]);
    expect(await attributesOf("jobs")).toMatchObject({ MessageRetentionPeriod: "60" });
  });

  test("says which call failed if the service is not there", async () => {
    using nobody = new QueueService({
      region: "eu-west-1",
      endpoint: "http://127.0.0.1:1",
      signal: new AbortController().signal,
    });
    await expect(provision(await wanted(), nobody, { dryRun: false })).rejects.toThrow(
      /ListTopics.*ECONNREFUSED/s,
    );
  });
});
