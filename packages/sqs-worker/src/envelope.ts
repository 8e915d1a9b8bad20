import { type CloudEvent, parseJson, readCloudEvent } from "./cloud-event.ts";
import type { Message } from "./message.ts";
import type { ReceivedMessage } from "./queue.ts";
import { readTraceContext } from "./trace-context.ts";

/** A notification as SNS writes it into a queue. https://docs.aws.amazon.com/sns/latest/dg/sns-sqs-as-subscriber.html */
interface SnsNotification {
  readonly Type: "Notification";
  readonly MessageId: string;
  readonly TopicArn: string;
  readonly Message: string;
  readonly MessageAttributes?: unknown;
}

/**
 * Takes a message out of its envelopes: SNS around the body, a CloudEvent inside SNS or directly on the queue.
 * Whatever is not one of these is a raw body; no body makes it fail.
 */
export function openEnvelope(received: ReceivedMessage): Message {
  const outer = parseObject(received.body);
  const notification = isSnsNotification(outer) ? outer : undefined;
  const text = notification?.Message ?? received.body;
  const inner = notification === undefined ? outer : parseObject(text);
  const event = readCloudEvent(inner);
  const attributes = { ...received.attributes, ...readSnsAttributes(notification?.MessageAttributes) };
  const trace = readTraceContext(event, attributes);
  const data = event === undefined ? (inner ?? parseJson(text)) : event.data;
  return {
    id: received.id,
    idempotencyKey: event?.id ?? notification?.MessageId ?? received.id,
    data,
    text: event === undefined ? text : textOf(event),
    body: received.body,
    attributes,
    receiveCount: received.receiveCount,
    ...(event && { event }),
    ...(notification && { topicArn: notification.TopicArn }),
    ...(trace && { trace }),
    ...(received.sentAt !== undefined && { sentAt: received.sentAt }),
  };
}

function parseObject(text: string): object | undefined {
  const value = /^\s*\{/.test(text) ? parseJson(text) : undefined;
  return typeof value === "object" && value !== null ? value : undefined;
}

function isSnsNotification(value: object | undefined): value is SnsNotification {
  if (value === undefined) return false;
  const { Type, MessageId, TopicArn, Message } = value as Partial<SnsNotification>;
  return (
    Type === "Notification" && [MessageId, TopicArn, Message].every((field) => typeof field === "string")
  );
}

function readSnsAttributes(attributes: unknown): Record<string, string> {
  if (typeof attributes !== "object" || attributes === null) return {};
  return Object.fromEntries(
    Object.entries(attributes as Record<string, { Value?: unknown } | null>).flatMap(([name, attribute]) =>
      typeof attribute?.Value === "string" ? [[name, attribute.Value]] : [],
    ),
  );
}

function textOf({ data }: CloudEvent): string {
  if (typeof data === "string") return data;
  if (Buffer.isBuffer(data)) return data.toString();
  return data === undefined ? "" : JSON.stringify(data);
}
