import { randomUUID } from "node:crypto";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";

import { PublishCommand, type SNSClient } from "@aws-sdk/client-sns";
import { createAdaptorServer } from "@hono/node-server";
import { listen } from "@kong-serverless/runtime";
import { Hono } from "hono";

import type { Sidecar } from "./sidecar.ts";

export interface StandInOptions {
  /** Name of the Dapr Component that publishers must ask for. */
  readonly pubsub: string;
  readonly sns: SNSClient;
  readonly topicArn: (topic: string) => string;
  readonly onError: (error: unknown) => void;
}

/**
 * Dapr's publish API onto SNS, for machines without daprd: the same paths, status codes and CloudEvents envelope.
 * https://docs.dapr.io/reference/api/pubsub_api/
 */
export async function startStandIn(options: StandInOptions): Promise<Sidecar> {
  const server = createAdaptorServer({ fetch: createApp(options).fetch }) as Server;
  await listen(server, { host: "127.0.0.1", port: 0 });
  return {
    description: "a stand-in, as no daprd is installed",
    port: (server.address() as AddressInfo).port,
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function createApp({ pubsub, sns, topicArn, onError }: StandInOptions): Hono {
  const app = new Hono();
  const health = (path: string) => app.get(path, (c) => c.body(null, 204));
  health("/v1.0/healthz");
  health("/v1.0/healthz/outbound");
  app.get("/v1.0/metadata", (c) =>
    c.json({
      id: "playground",
      runtimeVersion: "stand-in",
      components: [{ name: pubsub, type: "pubsub.aws.snssqs" }],
    }),
  );
  app.on(["POST", "PUT"], "/v1.0/publish/:pubsub/:topic", async (c) => {
    const { pubsub: name, topic } = c.req.param();
    if (name !== pubsub) {
      return c.json({ errorCode: "ERR_PUBSUB_NOT_FOUND", message: `pubsub ${name} is not found` }, 404);
    }
    const body = await c.req.text();
    const contentType = c.req.header("content-type") ?? "text/plain";
    const isRaw = c.req.query("metadata.rawPayload") === "true";
    const message = isRaw ? body : JSON.stringify(cloudEvent({ pubsub, topic, contentType, body }));
    try {
      await sns.send(new PublishCommand({ TopicArn: topicArn(topic), Message: message }));
    } catch (error) {
      onError(error);
      const text = `error when publish to topic ${topic} in pubsub ${pubsub}: ${(error as Error).message}`;
      return c.json({ errorCode: "ERR_PUBSUB_PUBLISH_MESSAGE", message: text }, 500);
    }
    return c.body(null, 204);
  });
  return app;
}

interface Published {
  readonly pubsub: string;
  readonly topic: string;
  readonly contentType: string;
  readonly body: string;
}

/** https://docs.dapr.io/developing-applications/building-blocks/pubsub/pubsub-cloudevents/ */
function cloudEvent({ pubsub, topic, contentType, body }: Published): object {
  const isJson = contentType.startsWith("application/json");
  if (contentType.startsWith("application/cloudevents+json"))
    return { ...(JSON.parse(body) as object), topic };
  return {
    specversion: "1.0",
    type: "com.dapr.event.sent",
    source: "playground",
    id: randomUUID(),
    time: new Date().toISOString(),
    topic,
    pubsubname: pubsub,
    datacontenttype: isJson ? "application/json" : contentType,
    data: isJson ? (JSON.parse(body) as unknown) : body,
  };
}
