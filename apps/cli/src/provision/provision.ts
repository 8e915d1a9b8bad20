import type { Shell } from "../shell.ts";
import { type AttributeChange, differences, queueAttributes } from "./queue-attributes.ts";
import type { FoundQueue, QueueService } from "./queue-service.ts";
import type { Wanted, WantedQueue } from "./wanted.ts";

/** What is or would be done to a resource. */
export interface ResourceChange {
  readonly resource: "topic" | "queue" | "subscription";
  readonly name: string;
  readonly action: "create" | "change" | "none";
  /** What is set. */
  readonly attributes: readonly AttributeChange[];
}

export interface ProvisionOptions {
  readonly dryRun: boolean;
  readonly progress?: Shell["progress"];
}

/**
 * Brings topics, queues and subscriptions to the wanted state. What matches is left alone, and so are attributes that
 * are not listed. With `dryRun` nothing is changed. Throws QUEUE_SERVICE_FAILED.
 */
export async function provision(
  { queues }: Wanted,
  service: QueueService,
  { dryRun, progress = () => {} }: ProvisionOptions,
): Promise<readonly ResourceChange[]> {
  progress("Listing topics");
  const provisioning = new Provisioning(service, dryRun, await service.topics());
  for (const queue of queues) {
    progress(`Looking at ${queue.name}`);
    if (queue.topic !== undefined) await provisioning.makeTopic(queue.topic);
    await provisioning.makeQueue(queue);
    if (queue.topic !== undefined) await provisioning.subscribe(queue.topic, queue.name);
  }
  return provisioning.changes;
}

class Provisioning {
  readonly changes: ResourceChange[] = [];
  readonly #service: QueueService;
  readonly #dryRun: boolean;
  readonly #topics: Map<string, string>;
  readonly #queues = new Map<string, FoundQueue>();

  constructor(service: QueueService, dryRun: boolean, topics: ReadonlyMap<string, string>) {
    this.#service = service;
    this.#dryRun = dryRun;
    this.#topics = new Map(topics);
  }

  async makeTopic(name: string): Promise<void> {
    const action = this.#topics.has(name) ? "none" : "create";
    this.changes.push({ resource: "topic", name, action, attributes: [] });
    if (action === "create" && !this.#dryRun) this.#topics.set(name, await this.#service.createTopic(name));
  }

  async makeQueue(wanted: WantedQueue): Promise<void> {
    const { name } = wanted;
    const before = await this.#service.findQueue(name);
    const attributes = differences(this.#attributes(wanted, before), before);
    const whenFound = attributes.length > 0 ? "change" : "none";
    this.changes.push({ resource: "queue", name, action: before ? whenFound : "create", attributes });
    if (this.#dryRun) {
      if (before) this.#queues.set(name, before);
      return;
    }
    const queue = before ?? (await this.#service.createQueue(name, wanted.attributes));
    // The policy names the queue itself, whose ARN is known only once it exists.
    const missing = differences(this.#attributes(wanted, queue), queue);
    if (missing.length > 0) {
      const values = missing.map((attribute) => [attribute.name, attribute.to] as const);
      await this.#service.setAttributes(queue, Object.fromEntries(values));
    }
    this.#queues.set(name, queue);
  }

  async subscribe(topic: string, queue: string): Promise<void> {
    const [topicArn, queueArn] = [this.#topics.get(topic), this.#queues.get(queue)?.arn];
    const isThere =
      topicArn !== undefined &&
      queueArn !== undefined &&
      (await this.#service.isSubscribed(topicArn, queueArn));
    const action = isThere ? "none" : "create";
    this.changes.push({ resource: "subscription", name: `${topic} -> ${queue}`, action, attributes: [] });
    if (isThere || topicArn === undefined || queueArn === undefined || this.#dryRun) return;
    await this.#service.subscribe(topicArn, queueArn);
  }

  #attributes(wanted: WantedQueue, queue: FoundQueue | undefined): Record<string, string> {
    const { name, topic = "", deadLetters } = wanted;
    const dead = deadLetters?.queue ?? "";
    return queueAttributes(wanted, {
      queue: queue?.arn ?? `queue ${name}`,
      topic: this.#topics.get(topic) ?? `topic ${topic}`,
      deadLetters: this.#queues.get(dead)?.arn ?? `queue ${dead}`,
    });
  }
}
