import { title, wakeQueues, wakeWatches } from "@kong-serverless/manifests";

import { fault, notLookedAt, type Rule } from "../rule.ts";

export const wakeQueueNotWatched: Rule = {
  code: "WAKE_QUEUE_NOT_WATCHED",
  topic: "names",
  severity: "error",
  why: "No scaler watches the queue that wake messages go to: requests are held until their deadline and answered 503.",
  fix: "Give the backend's topic and the queue in its ScaledObject's trigger the same name.",
  *check(system) {
    for (const backend of system.backends) {
      const { name, wake } = backend.settings;
      if (wake === undefined || wakeWatches(system, backend).length > 0) continue;
      const unknown = system.scalers.find(({ queues }) => queues.some(({ queue }) => queue === undefined));
      if (unknown !== undefined) {
        yield notLookedAt(
          `whether backend ${name} is woken: ${title(unknown.manifest)} takes its queue from a variable that is not in the manifests`,
        );
        continue;
      }
      if (system.scalers.length === 0 && !system.manifests.isComplete) {
        yield notLookedAt(`whether backend ${name} is woken: no ScaledObject is among the manifests`);
        continue;
      }
      const queues = wakeQueues(system, backend);
      const watched = system.scalers.flatMap(({ queues: triggers }) => triggers.map(({ queue }) => queue));
      yield fault(
        backend.place.at("topic"),
        `Backend ${name} is woken through ${queues.join(", ") || `topic ${wake.topic}, which has no queue`}; ScaledObjects watch ${watched.join(", ") || "no queue"}`,
      );
    }
  },
};
