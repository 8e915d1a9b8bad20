import { title, wakeWatches } from "@kong-serverless/manifests";

import { rabbitmqWakes } from "../rabbitmq-wakes.ts";
import { fault, type Rule } from "../rule.ts";

export const rabbitmqExchangeDiffers: Rule = {
  code: "RABBITMQ_EXCHANGE_DIFFERS",
  topic: "names",
  severity: "error",
  why: "RabbitMQ closes the channel of a publisher that redeclares an exchange with different properties: every publish fails.",
  fix: 'Define the exchange as Dapr declares it (fanout, durable, not auto-deleted) and set the Component\'s deletedWhenUnused to "false".',
  *check(system) {
    for (const { backend, topic, pubsub, definitions } of rabbitmqWakes(system)) {
      const exchange = definitions.exchanges.find((candidate) => candidate.name === topic);
      const isAsDeclared =
        exchange?.type === "fanout" && exchange.durable === true && exchange.auto_delete !== true;
      if (exchange && !isAsDeclared) {
        yield fault(
          definitions.place,
          `The exchange ${topic} is not a durable fanout exchange without auto-delete`,
        );
      }
      const deleted = pubsub.settings.get("deletedWhenUnused");
      if (wakeWatches(system, backend).length > 0 && deleted?.scalar !== "false") {
        yield fault(
          deleted ?? pubsub.manifest.root.at("spec", "metadata"),
          `${title(pubsub.manifest)} declares exchanges that are deleted when unused`,
        );
      }
    }
  },
};
