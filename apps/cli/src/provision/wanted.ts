import { ConfigError } from "@kong-serverless/config";
import {
  consumerQueue,
  findPubsub,
  jobTopics,
  leastRetentionSeconds,
  type System,
  title,
  wakePubsub,
} from "@kong-serverless/manifests";

/** A queue in its wanted state. */
export interface WantedQueue {
  readonly name: string;
  readonly purpose: "wake" | "work" | "dead letters";
  /** Attributes under SQS's names. */
  readonly attributes: Readonly<Record<string, string>>;
  /** The SNS topic that it is subscribed to; undefined if messages are sent straight to the queue. */
  readonly topic: string | undefined;
  /** The queue for messages that were received too often. */
  readonly deadLetters: { readonly queue: string; readonly maxReceiveCount: number } | undefined;
}

export interface Wanted {
  /** Undefined if the manifests have none. */
  readonly region: string | undefined;
  /** A queue comes before those that refer to it. */
  readonly queues: readonly WantedQueue[];
}

/** Four days, SQS's default: longer than a weekend. */
const workRetentionSeconds = 345_600;
/** Fourteen days, SQS's maximum: people need time to look at dead letters. */
const deadLetterRetentionSeconds = 1_209_600;
/** With the consumer's delays (1 s, doubled) a message is tried for half a minute. */
const maxReceiveCount = 5;

/** SSE-SQS: encrypted at rest with keys that SQS owns, at no cost and without a permission that could be missing. */
const encrypted = { SqsManagedSseEnabled: "true" };

/** What no manifest can create: everything on SNS and SQS that the manifests expect. */
export function wantedFor(system: System): Wanted {
  const queues = [...wakeQueues(system), ...workQueues(system)];
  const byName = new Map(queues.map((queue) => [queue.name, queue]));
  for (const queue of queues) {
    if (byName.get(queue.name)?.purpose === queue.purpose) continue;
    throw new ConfigError("The manifests", [
      `queue ${queue.name} is to be both a wake queue and a consumer's; \`kong-serverless doctor\` says where`,
    ]);
  }
  return { region: regionOf(system), queues: [...byName.values()] };
}

function* wakeQueues(system: System): Generator<WantedQueue> {
  for (const backend of system.backends) {
    const { wake } = backend.settings;
    if (wake === undefined || wakePubsub(system, backend)?.broker !== "sqs") continue;
    const name = topicName(wake.topic);
    yield {
      name,
      purpose: "wake",
      // Nothing consumes it: it stays non-empty exactly as long as the backend was wanted recently.
      attributes: { MessageRetentionPeriod: String(leastRetentionSeconds), ...encrypted },
      topic: name,
      deadLetters: undefined,
    };
  }
}

function* workQueues(system: System): Generator<WantedQueue> {
  for (const app of system.apps.consumers) {
    const queue = consumerQueue(app);
    if (queue === undefined) {
      throw new ConfigError(title(app.workload.manifest), ["its environment does not show its queue"]);
    }
    const dead = `${queue.name}-dead`;
    const base = { topic: undefined, deadLetters: undefined };
    yield {
      ...base,
      name: dead,
      purpose: "dead letters",
      attributes: { MessageRetentionPeriod: String(deadLetterRetentionSeconds), ...encrypted },
    };
    yield {
      ...base,
      name: queue.name,
      purpose: "work",
      attributes: { MessageRetentionPeriod: String(workRetentionSeconds), ...encrypted },
      topic: isPublishedTo(system, queue.name) ? queue.name : undefined,
      deadLetters: { queue: dead, maxReceiveCount },
    };
  }
}

function isPublishedTo(system: System, queue: string): boolean {
  return system.apps.demoBackends.some(({ settings, workload }) => {
    if (settings === undefined) return false;
    if (!jobTopics(settings).some(({ topic }) => topicName(topic) === queue)) return false;
    return findPubsub(system, settings.PUBSUB_NAME, workload.manifest.namespace)?.broker === "sqs";
  });
}

function regionOf({ scalers, apps }: System): string | undefined {
  const [watched] = scalers.flatMap(({ queues }) => queues.flatMap(({ region }) => region ?? []));
  const [consumer] = apps.consumers;
  return watched ?? consumer?.settings?.REGION;
}

/**
 * The name that Dapr gives a topic on SNS:
 * https://docs.dapr.io/reference/components-reference/supported-pubsub/setup-aws-snssqs/
 */
function topicName(topic: string): string {
  return topic.replace(/[^\w-]/g, "").slice(0, 80);
}
