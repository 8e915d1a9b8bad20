import * as fc from "fast-check";
import { describe, expect, test } from "vitest";

import { openEnvelope } from "./envelope.ts";
import { MessageRejectedError } from "./errors.ts";
import type { Message } from "./message.ts";
import type { ReceivedMessage } from "./queue.ts";

const traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
const event = { specversion: "1.0", id: "event-1", source: "demo", type: "job.requested", data: { n: 1 } };

function received(body: string, extra: Partial<ReceivedMessage> = {}): ReceivedMessage {
  return { id: "sqs-1", receiptHandle: "handle", body, receiveCount: 1, attributes: {}, ...extra };
}

function notification(message: string, extra: object = {}): string {
  const envelope = { Type: "Notification", MessageId: "sns-1", TopicArn: "arn:aws:sns:r:1:jobs" };
  return JSON.stringify({ ...envelope, Message: message, ...extra });
}

describe("openEnvelope", () => {
  test("leaves raw text as it is", () => {
    expect(openEnvelope(received("hello"))).toEqual({
      id: "sqs-1",
      idempotencyKey: "sqs-1",
      data: "hello",
      text: "hello",
      body: "hello",
      attributes: {},
      receiveCount: 1,
    });
  });

  test("parses a raw body that is JSON", () => {
    expect(openEnvelope(received('{"n":1}')).data).toEqual({ n: 1 });
    expect(openEnvelope(received("[1,2]")).data).toEqual([1, 2]);
  });

  test("opens SNS around a text", () => {
    expect(openEnvelope(received(notification("hello")))).toMatchObject({
      idempotencyKey: "sns-1",
      data: "hello",
      text: "hello",
      topicArn: "arn:aws:sns:r:1:jobs",
    });
  });

  test("opens a CloudEvent inside SNS", () => {
    const message = openEnvelope(received(notification(JSON.stringify(event))));
    expect(message).toMatchObject({ idempotencyKey: "event-1", data: { n: 1 }, text: '{"n":1}', event });
  });

  test("opens a CloudEvent that lies on the queue without SNS, as raw delivery leaves it", () => {
    expect(openEnvelope(received(JSON.stringify(event)))).toMatchObject({ idempotencyKey: "event-1", event });
  });

  test("decodes a CloudEvent's base64 data, as JSON where it says so", () => {
    const { data: _, ...bare } = event;
    const encoded = { ...bare, data_base64: Buffer.from('{"n":2}').toString("base64") };
    const open = (extra: object) => openEnvelope(received(JSON.stringify({ ...encoded, ...extra }))).data;
    expect(open({ datacontenttype: "application/json; charset=utf-8" })).toEqual({ n: 2 });
    expect(open({ datacontenttype: "application/vnd.demo+json" })).toEqual({ n: 2 });
    expect(open({ datacontenttype: "image/png" })).toEqual(Buffer.from('{"n":2}'));
  });

  test("leaves an object that only resembles an envelope alone", () => {
    const almost = { ...event, id: "" };
    expect(openEnvelope(received(JSON.stringify(almost)))).toMatchObject({
      data: almost,
      idempotencyKey: "sqs-1",
    });
    const unsubscribe = notification("x", { Type: "UnsubscribeConfirmation" });
    expect(openEnvelope(received(unsubscribe)).data).toEqual(JSON.parse(unsubscribe));
  });

  test("joins the attributes of queue and envelope; the envelope's win", () => {
    const body = notification("x", {
      MessageAttributes: {
        kind: { Type: "String", Value: "sns" },
        odd: null,
        number: { Type: "Number", Value: 1 },
      },
    });
    expect(openEnvelope(received(body, { attributes: { kind: "sqs", plain: "yes" } })).attributes).toEqual({
      kind: "sns",
      plain: "yes",
    });
  });

  test("finds the trace in the event, else in the attributes", () => {
    const other = traceparent.replace("01", "00");
    const traced = JSON.stringify({ ...event, traceparent, tracestate: "a=1" });
    const attributes = { traceparent: other };
    expect(openEnvelope(received(traced, { attributes })).trace).toEqual({ traceparent, tracestate: "a=1" });
    expect(openEnvelope(received("x", { attributes })).trace).toEqual({ traceparent: other });
  });

  test.each([
    "",
    "00-0-0-00",
    traceparent.toUpperCase(),
    traceparent.replace("4bf92f3577b34da6a3ce929d0e0e4736", "0".repeat(32)),
  ])("drops the invalid trace parent %j", (invalid) => {
    expect(openEnvelope(received("x", { attributes: { traceparent: invalid } })).trace).toBeUndefined();
  });
});

/** Only invalid base64 in a CloudEvent is rejected here. */
function openUnlessRejected(body: string): Message | undefined {
  try {
    return openEnvelope(received(body));
  } catch (error) {
    if (error instanceof MessageRejectedError && body.includes("data_base64")) return undefined;
    throw error;
  }
}

/** Every sequence of UTF-16 code units, unpaired surrogates included. */
const anyText = fc.uint16Array({ maxLength: 50 }).map((units) => String.fromCharCode(...units));

const dataOf = (data: string, extra = "") =>
  `{"specversion":"1.0","id":"e","source":"s","type":"t"${extra},"data": ${data} }`;

describe("openEnvelope, character by character,", () => {
  test.each([
    '{"id": 590518626939830271, "price": 1.0}',
    "[1e400, -0, 0.10]",
    '{"nested": {"data": [{"}": "\\"]"}]}}',
    "12345678901234567890",
    "null",
  ])("keeps the text of %s", (data) => {
    expect(openEnvelope(received(dataOf(data))).text).toBe(data);
    expect(openEnvelope(received(notification(dataOf(data)))).text).toBe(data);
  });

  test("reads the last of two members, as JSON.parse does, whatever their escapes", () => {
    const twice = dataOf("1.0", String.raw`,"d\u0061ta":2.0`);
    expect(openEnvelope(received(twice))).toMatchObject({ text: "1.0", data: 1 });
  });

  test("keeps what base64 held", () => {
    const encoded = Buffer.from('{"n": 1.0}').toString("base64");
    const body = `{"specversion":"1.0","id":"e","source":"s","type":"t","data_base64":"${encoded}"}`;
    expect(openEnvelope(received(body))).toMatchObject({ text: '{"n": 1.0}', data: { n: 1 } });
  });

  test("keeps any JSON", () => {
    fc.assert(
      fc.property(fc.json({ maxDepth: 3 }), fc.boolean(), (json, isLast) => {
        const body = isLast ? dataOf(json) : dataOf(json).replace(/}$/, ',"more": {"data": 1}}');
        const { text, data } = openEnvelope(received(body));
        expect(text).toBe(typeof data === "string" ? data : json);
      }),
    );
  });
});

describe("openEnvelope rejects", () => {
  const deep = "[".repeat(10_000) + "]".repeat(10_000);
  const encode = (data_base64: string) => JSON.stringify({ ...event, data: undefined, data_base64 });

  test.each([
    ["JSON that is nested too deep", deep],
    ["a CloudEvent whose data is", JSON.stringify({ ...event, data: 0 }).replace(":0", `:${deep}`)],
    ["the same inside SNS", notification(JSON.stringify({ ...event, data: 0 }).replace(":0", `:${deep}`))],
    ["the same inside base64", encode(Buffer.from(deep).toString("base64"))],
    ["base64 with characters that it has not", encode("a$b=")],
    ["base64 that is cut", encode("YWJ")],
    ["base64 for URLs", encode("_-8=")],
  ])("%s", (_, body) => {
    expect(() => openEnvelope(received(body))).toThrow(MessageRejectedError);
  });

  test("no JSON with a reasonable depth", () => {
    const fine = "[".repeat(900) + "]".repeat(900);
    expect(openEnvelope(received(fine)).text).toBe(fine);
  });
});

test.each(["a=1\r\nx: y", "ä=1", "a".repeat(513), ""])(
  "drops the trace state %j and keeps the trace",
  (tracestate) => {
    const { trace } = openEnvelope(received("x", { attributes: { traceparent, tracestate } }));
    expect(trace).toEqual({ traceparent });
  },
);

describe("openEnvelope, given any input,", () => {
  test("never fails, and keeps the body", () => {
    const bodies = fc.oneof(
      anyText,
      fc.json({ maxDepth: 2 }),
      fc.json({ maxDepth: 2 }).map((json) => notification(json)),
      fc.jsonValue({ maxDepth: 2 }).map((value) => JSON.stringify({ ...event, data: value })),
      fc
        .dictionary(
          fc.constantFrom("Type", "Message", "specversion", "__proto__", "data_base64"),
          fc.jsonValue({ maxDepth: 2 }),
        )
        .map((value) => JSON.stringify(value)),
    );
    fc.assert(
      fc.property(bodies, (body) => {
        const message = openUnlessRejected(body);
        if (message === undefined) return;
        expect(message.body).toBe(body);
        expect(message.idempotencyKey).not.toBe("");
        expect(typeof message.text).toBe("string");
      }),
    );
  });

  test("gives back exactly what was put in, through every envelope", () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 2 }), fc.boolean(), (value, isInSns) => {
        const json = JSON.stringify({ ...event, data: value });
        const message = openEnvelope(received(isInSns ? notification(json) : json));
        expect(message.data).toEqual(JSON.parse(JSON.stringify(value)));
        expect(message.event?.id).toBe("event-1");
      }),
    );
  });

  test("passes on SNS text that is not JSON unchanged", () => {
    fc.assert(
      fc.property(anyText, (text) => {
        expect(openEnvelope(received(notification(text))).text).toBe(text);
      }),
    );
  });
});
