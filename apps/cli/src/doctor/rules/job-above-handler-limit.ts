import {
  consumerQueue,
  findPubsub,
  jobTopics,
  queuesOfTopic,
  title,
  variablePlace,
} from "@kong-serverless/manifests";

import { fault, type Rule } from "../rule.ts";

export const jobAboveHandlerLimit: Rule = {
  code: "JOB_ABOVE_HANDLER_LIMIT",
  topic: "numbers",
  severity: "error",
  why: "The backend accepts jobs that no worker can finish in time: each is rejected and goes to the dead-letter queue.",
  fix: "Keep the demo backend's MAX_JOB_SECONDS below the consumer's HANDLER_TIMEOUT_SECONDS.",
  *check(system) {
    for (const backend of system.apps.demoBackends) {
      if (backend.settings === undefined) continue;
      const { PUBSUB_NAME: pubsub, MAX_JOB_SECONDS: job } = backend.settings;
      const component = findPubsub(system, pubsub, backend.workload.manifest.namespace);
      const queues = new Set(
        jobTopics(backend.settings).flatMap(({ topic }) => queuesOfTopic(system, component, topic)),
      );
      for (const consumer of system.apps.consumers) {
        const { HANDLER, HANDLER_TIMEOUT_SECONDS: limit = Number.POSITIVE_INFINITY } =
          consumer.settings ?? {};
        const queue = consumerQueue(consumer);
        if (HANDLER !== "jobs" || queue === undefined || !queues.has(queue.name) || job < limit) continue;
        const what = `${title(backend.workload.manifest)} takes jobs of up to ${job} s; ${title(consumer.workload.manifest)} gives a handler ${limit} s`;
        yield fault(variablePlace(backend, "MAX_JOB_SECONDS"), what);
      }
    }
  },
};
