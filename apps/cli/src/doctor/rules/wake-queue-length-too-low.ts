import { kedaDefaults, title, wakeRetentionSeconds, wakeWatches } from "@kong-serverless/manifests";

import { fault, type Rule } from "../rule.ts";

/** The wake trigger never asks for a second replica: docs/architecture.md, "a cold start". */
export const wakeQueueLengthTooLow: Rule = {
  code: "WAKE_QUEUE_LENGTH_TOO_LOW",
  topic: "numbers",
  severity: "error",
  why: "The wake queue must only wake. If queueLength is below the number of messages that all gateways together can have in it, the trigger asks for replicas that are not needed.",
  fix: "Raise queueLength (RabbitMQ: value) above gateways x (retention / keepWarmIntervalMs + longest hold / wakeRepeatMs); 1000 is the default here.",
  *check(system) {
    const { replicas } = system.gateway;
    for (const backend of system.backends) {
      const { keepWarmIntervalMs, holdTimeoutMs, wakeRepeatMs, name } = backend.settings;
      for (const { scaler, trigger } of wakeWatches(system, backend)) {
        // A formula has a target of its own.
        if (scaler.formula !== undefined || scaler.maxReplicas === 1) continue;
        const keepWarms =
          keepWarmIntervalMs === 0 ? 0 : (wakeRetentionSeconds(system, trigger) * 1000) / keepWarmIntervalMs;
        const most = Math.ceil(replicas * (keepWarms + holdTimeoutMs / wakeRepeatMs));
        const byDefault =
          trigger.broker === "rabbitmq" ? kedaDefaults.rabbitmqQueueLength : kedaDefaults.queueLength;
        const length = trigger.length.number ?? byDefault;
        if (length > most) continue;
        const what = `${title(scaler.manifest)} asks for a replica for every ${length} messages; ${replicas} gateways can have ${most} in the wake queue of ${name}`;
        yield fault(trigger.length, what);
      }
    }
  },
};
