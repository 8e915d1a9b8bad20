import { randomUUID } from "node:crypto";

/** A message as a publisher sent it. */
export interface Published {
  readonly pubsub: string;
  readonly topic: string;
  readonly contentType: string;
  readonly body: Buffer;
}

/**
 * The CloudEvent that daprd makes of a message. Throws if the message claims to be a CloudEvent and is not.
 * https://docs.dapr.io/developing-applications/building-blocks/pubsub/pubsub-cloudevents/
 */
export function toCloudEvent({ pubsub, topic, contentType, body }: Published): object {
  const defaults = {
    specversion: "1.0",
    type: "com.dapr.event.sent",
    source: "playground",
    id: randomUUID(),
    time: new Date().toISOString(),
  };
  const fixed = { topic, pubsubname: pubsub };
  const [mediaType] = contentType.split(";", 1);
  if (mediaType === "application/cloudevents+json") {
    return { ...defaults, ...(JSON.parse(body.toString()) as object), ...fixed };
  }
  return { ...defaults, ...fixed, datacontenttype: contentType, ...toData(mediaType, body) };
}

function toData(mediaType: string | undefined, body: Buffer): object {
  if (mediaType === "application/octet-stream") return { data_base64: body.toString("base64") };
  const text = body.toString();
  return { data: mediaType === "application/json" ? parseOrKeep(text) : text };
}

/** daprd treats broken JSON as text. */
function parseOrKeep(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
