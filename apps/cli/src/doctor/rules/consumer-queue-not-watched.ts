import {
  consumerQueue,
  type Place,
  type System,
  title,
  wokenWorkloads,
  type Workload,
  workerQueue,
} from "@kong-serverless/manifests";

import { fault, notLookedAt, type Rule } from "../rule.ts";

interface Receiver {
  readonly workload: Workload;
  readonly queue: { readonly name: string; readonly place: Place };
}

export const consumerQueueNotWatched: Rule = {
  code: "CONSUMER_QUEUE_NOT_WATCHED",
  topic: "names",
  severity: "error",
  why: "Messages in the consumer's queue do not start it, or messages in another queue start it for nothing.",
  fix: "Point QUEUE_NAME (or QUEUE_URL) and queueURL in its ScaledObject's trigger at the same queue.",
  *check(system) {
    for (const { workload, queue } of receivers(system)) {
      const { manifest } = workload;
      const scaler = system.scalers.find(({ target }) => target?.manifest === manifest);
      if (scaler === undefined) continue;
      if (scaler.queues.some((trigger) => trigger.queue === queue.name)) continue;
      if (scaler.queues.some((trigger) => trigger.queue === undefined)) {
        yield notLookedAt(
          `whether ${title(scaler.manifest)} watches ${queue.name}: it takes its queue from a variable that is not in the manifests`,
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

/**
 * Workloads that read from a queue. One other than the consumer counts only where SQS alone scales it: elsewhere, a variable of
 * that name may be the queue that it sends to.
 */
function receivers(system: System): Receiver[] {
  const consumers = system.apps.consumers.flatMap((app) => {
    const queue = consumerQueue(app);
    return queue === undefined ? [] : [{ workload: app.workload, queue }];
  });
  const known = new Set([
    ...system.apps.consumers.map(({ workload }) => workload),
    ...wokenWorkloads(system),
  ]);
  const workers = system.scalers.flatMap(({ target, queues, manifest }) => {
    const isScaledBySqs =
      queues.every(({ broker }) => broker === "sqs") &&
      queues.length === manifest.root.at("spec", "triggers").items.length;
    if (target === undefined || known.has(target) || !isScaledBySqs) return [];
    return target.containers.flatMap((container) => {
      const queue = workerQueue(container);
      return queue === undefined ? [] : [{ workload: target, queue }];
    });
  });
  return [...consumers, ...workers];
}
