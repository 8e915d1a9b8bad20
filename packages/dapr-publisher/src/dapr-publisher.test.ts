import type { IncomingMessage, ServerResponse } from "node:http";

import { ScriptedServer, ScriptedSidecar } from "@kong-serverless/testing";
import { afterEach, describe, expect, test } from "vitest";

import { DaprPublisher, type DaprPublisherOptions } from "./dapr-publisher.ts";
import { PublishError } from "./publish-error.ts";

const message = { pubsub: "messages", topic: "jobs", data: { id: 1 } };
const publishers: DaprPublisher[] = [];

/** Answers 204 after a while, or begins an answer at once and never ends it. */
class SlowSidecar extends ScriptedServer {
  protected override async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (request.url?.endsWith("/endless-body")) response.writeHead(200).write("{");
    else setTimeout(() => response.writeHead(204).end(), 50);
  }
}

function publisherFor(sidecar: ScriptedServer, options: Partial<DaprPublisherOptions> = {}): DaprPublisher {
  const publisher = new DaprPublisher({ endpoint: sidecar.url, timeoutMs: 5000, ...options });
  publishers.push(publisher);
  return publisher;
}

function failureOf(publishing: Promise<void>): Promise<unknown> {
  return publishing.then(
    () => undefined,
    (error: unknown) => error,
  );
}

afterEach(async () => {
  await Promise.all(publishers.splice(0).map((publisher) => publisher.stop()));
});

describe("DaprPublisher", () => {
  test("publishes the data as JSON and asks the sidecar for nothing else", async () => {
    await using sidecar = await new ScriptedSidecar(204).start();
    await publisherFor(sidecar).publish(message);
    expect(sidecar.messages).toMatchObject([{ ...message, metadata: {} }]);
    expect(sidecar.messages[0]?.headers).toMatchObject({ "content-type": "application/json" });
    expect(sidecar.messages[0]?.headers).not.toHaveProperty("dapr-api-token");
    expect(sidecar.otherRequests).toEqual([]);
  });

  test("passes on the API token", async () => {
    await using sidecar = await new ScriptedSidecar(204).start();
    const publisher = publisherFor(sidecar, { apiToken: "secret" });
    await publisher.publish(message);
    expect(sidecar.messages[0]).toMatchObject({ headers: { "dapr-api-token": "secret" } });
  });

  test("sends names and data of any kind as they are", async () => {
    class Job {
      readonly id = 7;
    }
    await using sidecar = await new ScriptedSidecar(204).start();
    const publisher = publisherFor(sidecar);
    await publisher.publish({ pubsub: "my/pubsub", topic: "a topic?x=1", data: new Job() });
    await publisher.publish({ ...message, data: Object.assign(Object.create(null), { id: 8 }) });
    expect(sidecar.messages).toMatchObject([
      { pubsub: "my/pubsub", topic: "a topic?x=1", data: { id: 7 } },
      { data: { id: 8 } },
    ]);
  });

  test.each([
    { status: 400, code: "PUBLISH_REJECTED" },
    { status: 403, code: "PUBLISH_REJECTED" },
    { status: 404, code: "PUBLISH_REJECTED" },
    { status: 429, code: "PUBLISH_FAILED" },
    { status: 500, code: "PUBLISH_FAILED" },
    { status: 302, code: "PUBLISH_FAILED" },
  ])("fails with $code when the sidecar answers $status", async ({ status, code }) => {
    const body = JSON.stringify({ errorCode: "ERR_PUBSUB", message: "said the sidecar" });
    await using sidecar = await new ScriptedSidecar({ status, body }).start();
    const error = await failureOf(publisherFor(sidecar).publish(message));
    expect(error).toBeInstanceOf(PublishError);
    expect(error).toMatchObject({ code, sidecarStatus: status, status: 503 });
    expect(String(error)).toContain("Cannot publish to topic jobs of messages");
    expect(String(error)).toContain("said the sidecar");
  });

  test("ends at its time limit when the sidecar keeps silent, and closes the connection", async () => {
    await using sidecar = await new ScriptedSidecar("silence", 204).start();
    const publisher = publisherFor(sidecar, { timeoutMs: 100 });
    expect(await failureOf(publisher.publish(message))).toMatchObject({ code: "PUBLISH_TIMEOUT" });
    await publisher.publish(message);
    expect(sidecar.connections).toBe(2);
  });

  test("waits for a slow answer within its time limit, and not for a body that never ends", async () => {
    await using slow = await new SlowSidecar().start();
    const publisher = publisherFor(slow);
    await publisher.publish({ ...message, topic: "slow-answer" });
    const endless = { ...message, topic: "endless-body", timeoutMs: 300 };
    expect(await failureOf(publisher.publish(endless))).toMatchObject({
      code: "PUBLISH_TIMEOUT",
    });
  });

  test("fails at once when nothing listens, with the cause, and finds a sidecar that comes up late", async () => {
    await using sidecar = await new ScriptedSidecar(204).start();
    await sidecar.stop();
    const publisher = publisherFor(sidecar, { timeoutMs: 60_000 });
    const error = await failureOf(publisher.publish(message));
    expect(error).toMatchObject({ code: "SIDECAR_UNAVAILABLE", cause: { code: "ECONNREFUSED" } });
    await sidecar.start();
    await publisher.publish(message);
    expect(sidecar.messages).toHaveLength(1);
  });

  test("finds a sidecar that was restarted", async () => {
    await using sidecar = await new ScriptedSidecar(204).start();
    const publisher = publisherFor(sidecar);
    await publisher.publish(message);
    await sidecar.stop();
    expect(await failureOf(publisher.publish(message))).toMatchObject({ code: "SIDECAR_UNAVAILABLE" });
    await sidecar.start();
    await publisher.publish(message);
    expect(sidecar.messages).toHaveLength(2);
  });

  test("fails when the sidecar closes the connection without an answer", async () => {
    await using sidecar = await new ScriptedSidecar("hang-up").start();
    expect(await failureOf(publisherFor(sidecar).publish(message))).toMatchObject({
      code: "SIDECAR_UNAVAILABLE",
    });
  });

  test("does not read an answer of any size", async () => {
    await using sidecar = await new ScriptedSidecar({ status: 500, body: "x".repeat(1_000_000) }).start();
    const error = await failureOf(publisherFor(sidecar).publish(message));
    expect(error).toMatchObject({ code: "PUBLISH_FAILED", sidecarStatus: 500 });
    expect(String(error).length).toBeLessThan(1000);
  });

  test("rejects with the reason of the caller's signal", async () => {
    await using sidecar = await new ScriptedSidecar("silence").start();
    const publisher = publisherFor(sidecar);
    const controller = new AbortController();
    const failure = failureOf(publisher.publish(message, controller.signal));
    const reason = new Error("nobody waits any more");
    controller.abort(reason);
    expect(await failure).toBe(reason);
    expect(await failureOf(publisher.publish(message, controller.signal))).toBe(reason);
  });

  test("uses one connection for publish after publish", async () => {
    await using sidecar = await new ScriptedSidecar(204).start();
    const publisher = publisherFor(sidecar);
    for (let sent = 0; sent < 5; sent += 1) {
      await publisher.publish(message);
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(sidecar.connections).toBe(1);
  });

  test("sends many at once, and refuses those beyond its limit", async () => {
    await using sidecar = await new ScriptedSidecar("silence").start();
    const publisher = publisherFor(sidecar);
    const controller = new AbortController();
    const failures = Array.from({ length: 1000 }, () =>
      failureOf(publisher.publish(message, controller.signal)),
    );
    expect(await failureOf(publisher.publish(message))).toMatchObject({ code: "PUBLISH_OVERLOADED" });
    controller.abort();
    await Promise.all(failures);
    sidecar.become(204);
    await publisher.publish(message);
  });

  test("goes on when another publisher in the process stops", async () => {
    await using sidecar = await new ScriptedSidecar(204).start();
    const [one, other] = [publisherFor(sidecar), publisherFor(sidecar)];
    await one.publish(message);
    await other.publish(message);
    await one.stop();
    await other.publish(message);
    expect(sidecar.messages).toHaveLength(3);
    expect(await failureOf(one.publish(message))).toMatchObject({ code: "PUBLISH_FAILED" });
  });

  test("lets what is in flight end before it stops", async () => {
    await using sidecar = await new ScriptedSidecar("silence").start();
    const publisher = publisherFor(sidecar, { timeoutMs: 100 });
    const ended: string[] = [];
    const publishing = failureOf(publisher.publish(message)).then(() => ended.push("publish"));
    const stopping = publisher.stop().then(() => ended.push("stop"));
    await Promise.all([publishing, stopping]);
    expect(ended).toEqual(["publish", "stop"]);
  });

  test("refuses data that is not JSON", async () => {
    await using sidecar = await new ScriptedSidecar(204).start();
    expect(await failureOf(publisherFor(sidecar).publish({ ...message, data: { id: 1n } }))).toMatchObject({
      code: "PUBLISH_FAILED",
      cause: expect.any(TypeError),
    });
  });
});
