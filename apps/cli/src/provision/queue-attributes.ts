import { isDeepStrictEqual } from "node:util";

import type { FoundQueue } from "./queue-service.ts";
import type { WantedQueue } from "./wanted.ts";

export interface AttributeChange {
  readonly name: string;
  /** Absent if nothing was set. */
  readonly from?: string;
  readonly to: string;
}

/** ARNs that a queue refers to. A description stands in for what does not exist yet, as in a dry run. */
export interface Arns {
  readonly queue: string;
  readonly topic: string;
  readonly deadLetters: string;
}

/** All wanted attributes of a queue, including those that refer to other resources. */
export function queueAttributes(
  { attributes, topic, deadLetters }: WantedQueue,
  arns: Arns,
): Record<string, string> {
  return {
    ...attributes,
    ...(deadLetters !== undefined && {
      RedrivePolicy: JSON.stringify({
        deadLetterTargetArn: arns.deadLetters,
        maxReceiveCount: deadLetters.maxReceiveCount,
      }),
    }),
    ...(topic !== undefined && { Policy: sendPolicy(arns) }),
  };
}

/** The `wanted` attributes that the queue lacks or has with another value. */
export function differences(
  wanted: Readonly<Record<string, string>>,
  queue: FoundQueue | undefined,
): AttributeChange[] {
  const changes: AttributeChange[] = [];
  for (const [name, to] of Object.entries(wanted)) {
    const from = queue?.attributes[name];
    if (from === undefined) changes.push({ name, to });
    else if (!isSame(from, to)) changes.push({ name, from, to });
  }
  return changes;
}

/** Lets exactly one topic send to the queue. */
function sendPolicy({ queue, topic }: Arns): string {
  return JSON.stringify({
    Version: "2012-10-17",
    Statement: [
      {
        Sid: "OnlyItsTopicSends",
        Effect: "Allow",
        Principal: { Service: "sns.amazonaws.com" },
        Action: "sqs:SendMessage",
        Resource: queue,
        Condition: { ArnEquals: { "aws:SourceArn": topic } },
      },
    ],
  });
}

/** SQS returns documents with other whitespace, in another order and with numbers as text. */
function isSame(from: string, to: string): boolean {
  return from === to || isDeepStrictEqual(normalise(from), normalise(to));
}

function normalise(text: string): unknown {
  try {
    return JSON.parse(text, (_, value: unknown) => (typeof value === "number" ? String(value) : value));
  } catch {
    return text;
  }
}
