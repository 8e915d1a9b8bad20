import { title } from "../../manifests/manifests.ts";
import { type System, wakePubsub, wakeWatches } from "../../system/system.ts";
import { type Finding, finding } from "../finding.ts";

/** RabbitMQ's definitions have what a publisher does not declare, and have it as Dapr declares the rest. */
export function* rabbitmqIsDefined(system: System): Generator<Finding> {
  const { rabbitmq } = system;
  if (rabbitmq === undefined) return;
  for (const backend of system.backends) {
    const { wake, name } = backend.settings;
    const pubsub = wakePubsub(system, backend);
    if (wake === undefined || pubsub?.broker !== "rabbitmq") continue;
    const bound = rabbitmq.bindings
      .filter(({ source }) => source === wake.topic)
      .flatMap(({ destination }) => rabbitmq.queues.filter((queue) => queue.name === destination));
    if (bound.length === 0) {
      const what = `No queue is bound to the exchange ${wake.topic}, which backend ${name} is woken through`;
      yield finding("RABBITMQ_DEFINITION_MISSING", rabbitmq.place, what);
    }
    for (const queue of bound) {
      if (Number(queue.arguments["x-message-ttl"]) > 0) continue;
      yield finding(
        "WAKE_RETENTION_MISSING",
        rabbitmq.place,
        `The wake queue ${queue.name} has no x-message-ttl`,
      );
    }
    const exchange = rabbitmq.exchanges.find((candidate) => candidate.name === wake.topic);
    const isAsDeclared =
      exchange?.type === "fanout" && exchange.durable === true && exchange.auto_delete !== true;
    if (exchange && !isAsDeclared) {
      const what = `The exchange ${wake.topic} is not a durable fanout exchange that stays`;
      yield finding("RABBITMQ_EXCHANGE_DIFFERS", rabbitmq.place, what);
    }
    const deleted = pubsub.settings.get("deletedWhenUnused");
    if (wakeWatches(system, backend).length > 0 && deleted?.text !== "false") {
      const what = `${title(pubsub.manifest)} declares exchanges that are deleted when unused`;
      yield finding(
        "RABBITMQ_EXCHANGE_DIFFERS",
        deleted ?? pubsub.manifest.root.at("spec", "metadata"),
        what,
      );
    }
  }
}
