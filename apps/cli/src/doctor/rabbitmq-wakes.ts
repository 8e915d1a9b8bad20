import {
  type ConfiguredBackend,
  type Pubsub,
  type RabbitmqDefinitions,
  type System,
  wakePubsub,
} from "@kong-serverless/manifests";

/** A backend that is woken through RabbitMQ, and its part of RabbitMQ's definitions. */
export interface RabbitmqWake {
  readonly backend: ConfiguredBackend;
  readonly topic: string;
  readonly pubsub: Pubsub;
  readonly definitions: RabbitmqDefinitions;
  /** The queues that are bound to the topic's exchange. */
  readonly queues: RabbitmqDefinitions["queues"];
}

export function rabbitmqWakes(system: System): RabbitmqWake[] {
  const { rabbitmq: definitions } = system;
  if (definitions === undefined) return [];
  return system.backends.flatMap((backend) => {
    const { wake } = backend.settings;
    const pubsub = wakePubsub(system, backend);
    if (wake === undefined || pubsub?.broker !== "rabbitmq") return [];
    const queues = definitions.bindings
      .filter(({ source }) => source === wake.topic)
      .flatMap(({ destination }) => definitions.queues.filter((queue) => queue.name === destination));
    return [{ backend, topic: wake.topic, pubsub, definitions, queues }];
  });
}
