import { rabbitmqWakes } from "../rabbitmq-wakes.ts";
import { fault, type Rule } from "../rule.ts";

export const rabbitmqDefinitionMissing: Rule = {
  code: "RABBITMQ_DEFINITION_MISSING",
  topic: "names",
  severity: "error",
  why: "A publisher declares only the exchange: without queue and binding every wake message is dropped.",
  fix: "Define the queue, and its binding to the exchange that has the topic's name, in RabbitMQ's definitions.",
  *check(system) {
    for (const { backend, topic, definitions, queues } of rabbitmqWakes(system)) {
      if (queues.length > 0) continue;
      const what = `No queue is bound to the exchange ${topic}, which backend ${backend.settings.name} is woken through`;
      yield fault(definitions.place, what);
    }
  },
};
