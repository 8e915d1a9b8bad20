import {
  consumerQueue,
  findPubsub,
  jobTopics,
  queuesOfTopic,
  title,
  variablePlace,
} from "@kong-serverless/manifests";

import { fault, type Rule } from "../rule.ts";

export const jobsQueueNotConsumed: Rule = {
  code: "JOBS_QUEUE_NOT_CONSUMED",
  topic: "names",
  severity: "error",
  why: "SNS drops a message to a topic without a queue, and the publisher sees a success.",
  fix: "Give JOBS_TOPIC and the consumer's queue the same name: a queue is provisioned under its topic's name.",
  *check(system) {
    const consumed = system.apps.consumers.flatMap((app) => consumerQueue(app)?.name ?? []);
    for (const app of system.apps.demoBackends) {
      if (app.settings === undefined || consumed.length === 0) continue;
      const component = findPubsub(system, app.settings.PUBSUB_NAME, app.workload.manifest.namespace);
      for (const { variable, topic } of jobTopics(app.settings)) {
        if (queuesOfTopic(system, component, topic).some((queue) => consumed.includes(queue))) continue;
        const what = `${title(app.workload.manifest)} publishes jobs to topic ${topic}; the consumers read ${consumed.join(", ")}`;
        yield fault(variablePlace(app, variable), what);
      }
    }
  },
};
