import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { DeleteMessageCommand, GetQueueUrlCommand, ReceiveMessageCommand } from "@aws-sdk/client-sqs";
import { needs } from "@kong-serverless/testing";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { Broker } from "../broker/broker.ts";
import type { Component } from "../manifests/kinds.ts";
import { daprdVersion, startDaprd } from "./daprd.ts";
import type { Sidecar } from "./sidecar.ts";
import { startStandIn } from "./stand-in.ts";

const daprd = process.env["DAPRD"] ?? "daprd";
const version = await daprdVersion(daprd);

const component: Component = {
  apiVersion: "dapr.io/v1alpha1",
  kind: "Component",
  metadata: { name: "pubsub", namespace: "default", labels: {}, annotations: {} },
  spec: {
    type: "pubsub.aws.snssqs",
    version: "v1",
    metadata: [{ name: "region", value: "eu-west-1" }],
  },
};

type StartSidecar = (broker: Broker, folder: string) => Promise<Sidecar>;

const standIn: StartSidecar = (broker) =>
  startStandIn({
    pubsub: component.metadata.name,
    sns: broker.sns,
    port: 0,
    onError: () => {},
  });

const real: StartSidecar = (broker, folder) =>
  startDaprd({
    command: daprd,
    version: version ?? "",
    component,
    brokerEndpoint: broker.endpoint,
    environment: broker.environment,
    folder,
    port: 0,
    onLine: () => {},
    signal: new AbortController().signal,
  });

describe("the stand-in for a sidecar", () => {
  behavesAsDaprd(standIn);
});

// The same tests for the real one keep the stand-in from drifting.
describe(
  "the real daprd",
  needs({ what: "daprd", remedy: "install it, or name its path in DAPRD", isMet: version !== undefined }),
  () => {
    behavesAsDaprd(real);
  },
);

/** What publishers rely on. */
function behavesAsDaprd(start: StartSidecar): void {
  let broker: Broker;
  let folder: string;
  let sidecar: Sidecar;
  let url: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "sidecar-"));
    broker = await Broker.start({
      region: "eu-west-1",
      topics: ["jobs"],
      wakeTopics: new Set(),
      wakeRetentionSeconds: 60,
      onError: () => {},
    });
    sidecar = await start(broker, folder);
    url = `http://127.0.0.1:${sidecar.port}/v1.0`;
  });

  afterAll(async () => {
    await sidecar?.stop();
    await broker?.stop();
    await rm(folder, { recursive: true, force: true });
  });

  async function publish(path: string, body: string, headers: Record<string, string> = {}) {
    const response = await fetch(`${url}/publish/${path}`, { method: "POST", body, headers });
    return { status: response.status, text: await response.text() };
  }

  /** What a subscriber finds on the queue: the message in SNS's envelope. */
  async function receive(): Promise<string> {
    const { QueueUrl } = await broker.sqs.send(new GetQueueUrlCommand({ QueueName: "jobs" }));
    const { Messages: [message] = [] } = await broker.sqs.send(
      new ReceiveMessageCommand({ QueueUrl, WaitTimeSeconds: 2 }),
    );
    const envelope = JSON.parse(message?.Body ?? "{}") as { Type: string; TopicArn: string; Message: string };
    expect(envelope).toMatchObject({ Type: "Notification", TopicArn: expect.stringMatching(/:jobs$/) });
    await broker.sqs.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle: message?.ReceiptHandle }));
    return envelope.Message;
  }

  const json = { "content-type": "application/json" };

  it("wraps JSON in a CloudEvent", async () => {
    expect(await publish("pubsub/jobs", '{"id":1}', json)).toEqual({ status: 204, text: "" });
    const event = JSON.parse(await receive()) as Record<string, string>;
    expect(event).toMatchObject({
      specversion: "1.0",
      type: "com.dapr.event.sent",
      source: "playground",
      topic: "jobs",
      pubsubname: "pubsub",
      datacontenttype: "application/json",
      data: { id: 1 },
    });
    expect(event["id"]).toMatch(/^[0-9a-f-]{36}$/);
    expect(Date.parse(event["time"] ?? "")).not.toBeNaN();
  });

  it("treats JSON with a charset as JSON, and what only claims to be JSON as text", async () => {
    const contentType = "application/json; charset=utf-8";
    await publish("pubsub/jobs", "[1]", { "content-type": contentType });
    expect(JSON.parse(await receive())).toMatchObject({ data: [1], datacontenttype: contentType });
    await publish("pubsub/jobs", "{no", json);
    expect(JSON.parse(await receive())).toMatchObject({ data: "{no", datacontenttype: "application/json" });
    await publish("pubsub/jobs", "{}", { "content-type": "application/vnd.order+json" });
    expect(JSON.parse(await receive())).toMatchObject({ data: "{}" });
  });

  it("wraps other text in a CloudEvent as text", async () => {
    await publish("pubsub/jobs", "hello", { "content-type": "text/plain" });
    expect(JSON.parse(await receive())).toMatchObject({ datacontenttype: "text/plain", data: "hello" });
  });

  it("wraps bytes in a CloudEvent as base64", async () => {
    await publish("pubsub/jobs", "hello", { "content-type": "application/octet-stream" });
    expect(JSON.parse(await receive())).toMatchObject({ data_base64: "aGVsbG8=" });
  });

  it("passes a CloudEvent on with missing fields filled in, and refuses a malformed one", async () => {
    const cloudEvent = { "content-type": "application/cloudevents+json" };
    const event = { type: "order", id: "7", data: { id: 1 } };
    await publish("pubsub/jobs", JSON.stringify(event), cloudEvent);
    const found: unknown = JSON.parse(await receive());
    expect(found).toMatchObject({ ...event, specversion: "1.0", topic: "jobs", pubsubname: "pubsub" });
    const { status, text } = await publish("pubsub/jobs", "no", cloudEvent);
    expect(status).toBe(500);
    expect(JSON.parse(text)).toMatchObject({ errorCode: "ERR_PUBSUB_CLOUD_EVENTS_SER" });
  });

  it("sends a raw payload unchanged", async () => {
    const answer = await publish("pubsub/jobs?metadata.rawPayload=true", '{"id": 1}', json);
    expect(answer).toEqual({ status: 204, text: "" });
    expect(await receive()).toBe('{"id": 1}');
  });

  it("answers 404 for an unknown component", async () => {
    const { status, text } = await publish("other/jobs", "{}", json);
    expect(status).toBe(404);
    expect(JSON.parse(text)).toMatchObject({
      errorCode: "ERR_PUBSUB_NOT_FOUND",
      message: expect.stringContaining("other"),
    });
  });

  it("accepts a message to a new topic, which no queue gets", async () => {
    expect((await publish("pubsub/nobody-listens", "{}", json)).status).toBe(204);
    expect(await broker.queueLength("jobs")).toBe(0);
  });

  it("says that it is healthy", async () => {
    for (const path of ["/healthz", "/healthz/outbound"]) {
      expect((await fetch(url + path)).status).toBe(204);
    }
  });

  it("lists its components", async () => {
    const metadata = (await (await fetch(`${url}/metadata`)).json()) as { components: unknown };
    expect(metadata).toMatchObject({
      id: "playground",
      components: [{ name: "pubsub", type: "pubsub.aws.snssqs" }],
    });
  });
}
