import type { Server } from "node:http";
import type { AddressInfo } from "node:net";

import { CreateTopicCommand, PublishCommand, type SNSClient } from "@aws-sdk/client-sns";
import { createAdaptorServer } from "@hono/node-server";
import { listen } from "@kong-serverless/runtime";
import { Hono } from "hono";

import { errorMessage } from "../error-message.ts";
import { type Published, toCloudEvent } from "./cloud-event.ts";
import type { Sidecar } from "./sidecar.ts";

export interface StandInOptions {
  /** Name of the Dapr Component that publishers must ask for. */
  readonly pubsub: string;
  readonly sns: SNSClient;
  /** 0 takes any free one. */
  readonly port: number;
  readonly onError: (error: unknown) => void;
}

/**
 * Dapr's publish API onto SNS, for machines without daprd: the same paths, status codes and CloudEvents envelope.
 * https://docs.dapr.io/reference/api/pubsub_api/
 */
export async function startStandIn(options: StandInOptions): Promise<Sidecar> {
  const server = createAdaptorServer({ fetch: createApp(options).fetch }) as Server;
  await listen(server, { host: "127.0.0.1", port: options.port });
  return {
    description: "a stand-in, as no daprd is installed",
    port: (server.address() as AddressInfo).port,
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function createApp({ pubsub, sns, onError }: StandInOptions): Hono {
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
    const contentType = c.req.header("content-type") ?? "text/plain";
    const body = Buffer.from(await c.req.arrayBuffer());
    const isRaw = c.req.query("metadata.rawPayload") === "true";
    const message = isRaw ? body.toString() : serialize({ pubsub, topic, contentType, body });
    if (message === undefined) {
      return c.json({ errorCode: "ERR_PUBSUB_CLOUD_EVENTS_SER", message: "cannot create cloudevent" }, 500);
    }
    try {
      await publish(sns, topic, message);
    } catch (error) {
      onError(error);
      const text = `error when publish to topic ${topic} in pubsub ${pubsub}: ${errorMessage(error)}`;
      return c.json({ errorCode: "ERR_PUBSUB_PUBLISH_MESSAGE", message: text }, 500);
    }
    return c.body(null, 204);
  });
  return app;
}

function serialize(published: Published): string | undefined {
  try {
    return JSON.stringify(toCloudEvent(published));
  } catch {
    return undefined;
  }
}

/** A topic is created by its first message; creating it again returns the existing one. */
async function publish(sns: SNSClient, topic: string, message: string): Promise<void> {
  const { TopicArn } = await sns.send(new CreateTopicCommand({ Name: topic }));
  await sns.send(new PublishCommand({ TopicArn, Message: message }));
}
