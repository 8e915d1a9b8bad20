import { consumerQueue, title, wakeQueues } from "@kong-serverless/manifests";

import { fault, type Rule } from "../rule.ts";

export const consumerOnWakeQueue: Rule = {
  code: "CONSUMER_ON_WAKE_QUEUE",
  topic: "names",
  severity: "error",
  why: "Nothing may consume a wake queue: a message that is gone no longer keeps its backend awake.",
  fix: "Give the consumer a queue of its own.",
  *check(system) {
    const wakeOnly = new Set(system.backends.flatMap((backend) => wakeQueues(system, backend)));
    for (const app of system.apps.consumers) {
      const queue = consumerQueue(app);
      if (queue === undefined || !wakeOnly.has(queue.name)) continue;
      yield fault(queue.place, `${title(app.workload.manifest)} consumes the wake queue ${queue.name}`);
    }
  },
};
