import { consumerQueue, title } from "@kong-serverless/manifests";

import { fault, notLookedAt, type Rule } from "../rule.ts";

export const consumerQueueNotWatched: Rule = {
  code: "CONSUMER_QUEUE_NOT_WATCHED",
  topic: "names",
  severity: "error",
  why: "Messages in the consumer's queue do not start it, or another queue's messages start it for nothing.",
  fix: "Give QUEUE_NAME (or QUEUE_URL) and the queueURL of its ScaledObject's trigger the same queue.",
  *check({ apps, scalers }) {
    for (const app of apps.consumers) {
      const { manifest } = app.workload;
      const queue = consumerQueue(app);
      const scaler = scalers.find(({ target }) => target?.manifest === manifest);
      if (queue === undefined || scaler === undefined) continue;
      if (scaler.queues.some((trigger) => trigger.queue === queue.name)) continue;
      if (scaler.queues.some((trigger) => trigger.queue === undefined)) {
        yield notLookedAt(
          `whether ${title(scaler.manifest)} watches ${queue.name}: it takes its queue from a variable that the manifests do not tell`,
        );
        continue;
      }
      const watched = scaler.queues.map((trigger) => trigger.queue).join(", ") || "no queue";
      yield fault(
        queue.place,
        `${title(manifest)} consumes ${queue.name}; ${title(scaler.manifest)} watches ${watched}`,
      );
    }
  },
};
