import { rabbitmqWakes } from "../rabbitmq-wakes.ts";
import { fault, type Rule } from "../rule.ts";

export const wakeRetentionMissing: Rule = {
  code: "WAKE_RETENTION_MISSING",
  topic: "numbers",
  severity: "error",
  why: "Nothing consumes a wake queue: without expiry it never empties, and the backend never sleeps again.",
  fix: "Give the queue an x-message-ttl in RabbitMQ's definitions (60000).",
  *check(system) {
    for (const { definitions, queues } of rabbitmqWakes(system)) {
      for (const queue of queues) {
        if (Number(queue.arguments["x-message-ttl"]) > 0) continue;
        yield fault(definitions.place, `The wake queue ${queue.name} has no x-message-ttl`);
      }
    }
  },
};
