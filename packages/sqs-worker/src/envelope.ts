import { MessageRejectedError } from "./errors.ts";
import type { CloudEvent, Message, TraceContext } from "./message.ts";
import type { ReceivedMessage } from "./queue.ts";

/** A notification as SNS writes it into a queue. https://docs.aws.amazon.com/sns/latest/dg/sns-sqs-as-subscriber.html */
interface SnsNotification {
  readonly Type: "Notification";
  readonly MessageId: string;
  readonly TopicArn: string;
  readonly Message: string;
  readonly MessageAttributes?: unknown;
}

/** What handlers do with JSON, such as validating or printing it, is usually recursive, and the stack is finite. */
const maxNesting = 1000;

/**
 * Takes a message out of its envelopes: SNS around the body, a CloudEvent inside SNS or directly on the queue.
 * Anything else is a raw body. Throws a MessageRejectedError for JSON that is nested too deeply and for a CloudEvent
 * whose base64 is invalid.
 */
export function openEnvelope(received: ReceivedMessage): Message {
  const outer = parseObject(received.body);
  const notification = isSnsNotification(outer) ? outer : undefined;
  const text = notification?.Message ?? received.body;
  const inner = notification === undefined ? outer : parseObject(text);
  const event = isCloudEvent(inner) ? readCloudEvent(inner) : undefined;
  const attributes = { ...received.attributes, ...readSnsAttributes(notification?.MessageAttributes) };
  const trace = readTraceContext(event, attributes);
  const data = event === undefined ? (inner ?? parseJson(text)) : event.data;
  return {
    id: received.id,
    idempotencyKey: event?.id ?? notification?.MessageId ?? received.id,
    data,
    text: event === undefined ? text : textOf(event, text),
    body: received.body,
    attributes,
    receiveCount: received.receiveCount,
    ...(event && { event }),
    ...(notification && { topicArn: notification.TopicArn }),
    ...(trace && { trace }),
    ...(received.sentAt !== undefined && { sentAt: received.sentAt }),
  };
}

/** `text` parsed as JSON, or `text` itself if it is not JSON. */
function parseJson(text: string): unknown {
  let value: unknown;
  try {
    value = JSON.parse(text) as unknown;
  } catch {
    return text;
  }
  if (isNestedDeeper(text, maxNesting)) {
    throw new MessageRejectedError(`The JSON is nested more than ${maxNesting} levels deep.`);
  }
  return value;
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

/** A CloudEvent is recognized by its four required attributes. */
function isCloudEvent(value: object | undefined): value is CloudEvent {
  if (value === undefined) return false;
  return ["specversion", "id", "source", "type"].every((name) => {
    const attribute: unknown = Object.hasOwn(value, name) && value[name as keyof typeof value];
    return typeof attribute === "string" && attribute !== "";
  });
}

/** https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md */
function readCloudEvent(value: CloudEvent): CloudEvent {
  const { data_base64: encoded, ...event } = value;
  if (typeof encoded !== "string") return value;
  const bytes = decodeBase64(encoded);
  const data = isJsonType(value.datacontenttype) ? parseJson(bytes.toString()) : bytes;
  return { ...event, data };
}

/** Strict, unlike Node's own decoder, which skips what it does not understand. */
function decodeBase64(encoded: string): Buffer {
  if (encoded.length % 4 !== 0 || !/^[A-Za-z\d+/]*={0,2}$/.test(encoded)) {
    throw new MessageRejectedError("The CloudEvent's data_base64 is not base64.");
  }
  return Buffer.from(encoded, "base64");
}

/** The specification says that data without a content type is JSON. */
function isJsonType(contentType: unknown): boolean {
  return typeof contentType !== "string" || /^[^;]*[/+]json\s*(;|$)/i.test(contentType);
}

/** A string as it is; any other data exactly as it is written in the event. */
function textOf({ data }: CloudEvent, eventText: string): string {
  if (typeof data === "string") return data;
  if (Buffer.isBuffer(data)) return data.toString();
  const encoded = memberText(eventText, "data_base64");
  if (encoded?.startsWith('"')) return Buffer.from(JSON.parse(encoded) as string, "base64").toString();
  return memberText(eventText, "data") ?? "";
}

const traceparentForm = /^(?!ff)[\da-f]{2}-(?!0{32})[\da-f]{32}-(?!0{16})[\da-f]{16}-[\da-f]{2}$/;
/** Printable ASCII, up to the length that everybody must propagate. https://www.w3.org/TR/trace-context/#tracestate-limits */
const tracestateForm = /^[\x20-\x7e]{1,512}$/;

/** The first valid `traceparent` among `carriers`, with its `tracestate` if that is valid too. */
function readTraceContext(
  ...carriers: readonly (Readonly<Record<string, unknown>> | undefined)[]
): TraceContext | undefined {
  for (const carrier of carriers) {
    const { traceparent, tracestate } = carrier ?? {};
    if (typeof traceparent !== "string" || !traceparentForm.test(traceparent)) continue;
    return typeof tracestate === "string" && tracestateForm.test(tracestate)
      ? { traceparent, tracestate }
      : { traceparent };
  }
  return undefined;
}

/**
 * The value of the member `name` of the JSON object `json`, exactly as it is written: `JSON.parse` would round large integers and
 * lose `1.0`. `json` must be valid. Undefined when there is no such member; the last one wins, as with `JSON.parse`.
 */
function memberText(json: string, name: string): string | undefined {
  let found: string | undefined;
  let position = skipSpace(json, json.indexOf("{") + 1);
  while (json[position] === '"') {
    const keyEnd = skipString(json, position);
    const key = JSON.parse(json.slice(position, keyEnd)) as string;
    const start = skipSpace(json, skipSpace(json, keyEnd) + 1);
    const end = skipValue(json, start);
    if (key === name) found = json.slice(start, end);
    position = skipSpace(json, end);
    if (json[position] === ",") position = skipSpace(json, position + 1);
  }
  return found;
}

/** Whether arrays and objects in `json`, which may be invalid, are nested deeper than `limit`. */
function isNestedDeeper(json: string, limit: number): boolean {
  // Each level needs an opening and, in valid JSON, a closing character.
  if (json.length < 2 * limit) return false;
  let depth = 0;
  for (let position = 0; position < json.length; position += 1) {
    const character = json[position];
    if (character === '"') position = skipString(json, position) - 1;
    else if (character === "{" || character === "[") depth += 1;
    else if (character === "}" || character === "]") depth -= 1;
    if (depth > limit) return true;
  }
  return false;
}

function skipSpace(json: string, position: number): number {
  let next = position;
  while (json[next] === " " || json[next] === "\n" || json[next] === "\r" || json[next] === "\t") next += 1;
  return next;
}

/** The position after the closing quote of the string that begins at `position`. */
function skipString(json: string, position: number): number {
  let next = position + 1;
  while (next < json.length && json[next] !== '"') next += json[next] === "\\" ? 2 : 1;
  return next + 1;
}

function skipValue(json: string, position: number): number {
  if (json[position] === '"') return skipString(json, position);
  let next = position;
  let depth = 0;
  for (; next < json.length; next += 1) {
    const character = json[next];
    if (character === '"') next = skipString(json, next) - 1;
    else if (character === "{" || character === "[") depth += 1;
    else if (character === "}" || character === "]") {
      if (depth === 0) break;
      depth -= 1;
      if (depth === 0) return next + 1;
    } else if (depth === 0 && (character === "," || skipSpace(json, next) > next)) break;
  }
  return next;
}
