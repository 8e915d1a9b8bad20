import { rabbitmqWakes } from "../rabbitmq-wakes.ts";
import { fault, type Rule } from "../rule.ts";

export const rabbitmqDefinitionMissing: Rule = {
  code: "RABBITMQ_DEFINITION_MISSING",
  topic: "names",
  severity: "error",
  why: "A publisher declares only the exchange: without a queue and a binding, every wake message is dropped.",
  fix: "In RabbitMQ's definitions, define the queue and its binding to the exchange named after the topic.",
  *check(system) {
    for (const { backend, topic, definitions, queues } of rabbitmqWakes(system)) {
      if (queues.length > 0) continue;
      const what = `No queue is bound to the exchange ${topic}, through which backend ${backend.settings.name} is woken`;
      yield fault(definitions.place, what);
    }
  },
};
