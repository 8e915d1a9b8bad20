import { title } from "../../manifests/manifests.ts";
import { variablePlace } from "../../system/app.ts";
import { consumerQueue } from "../../system/consumer-queue.ts";
import { type System, wakeQueues } from "../../system/system.ts";
import { type Finding, finding } from "../finding.ts";

const leastVisibilitySeconds = 10;

/** A consumer is scaled on its own queue, which is no wake queue. */
export function* consumersHaveTheirQueue(system: System): Generator<Finding> {
  const wakeOnly = new Set(system.backends.flatMap((backend) => wakeQueues(system, backend)));
  for (const app of system.apps.consumers) {
    const { manifest } = app.workload;
    const queue = consumerQueue(app);
    if (queue === undefined) continue;
    if (wakeOnly.has(queue.name)) {
      yield finding(
        "CONSUMER_ON_WAKE_QUEUE",
        queue.place,
        `${title(manifest)} consumes the wake queue ${queue.name}`,
      );
    }
    const scaler = system.scalers.find(({ target }) => target?.manifest === manifest);
    if (scaler === undefined || scaler.queues.some((trigger) => trigger.queue === queue.name)) continue;
    const watched = scaler.queues.map((trigger) => trigger.queue).join(", ") || "no queue";
    yield finding(
      "CONSUMER_QUEUE_NOT_WATCHED",
      queue.place,
      `${title(manifest)} consumes ${queue.name}; ${title(scaler.manifest)} watches ${watched}`,
    );
  }
}

/** A consumer that still works on a message is not scaled away. */
export function* messagesInWorkCount({ scalers }: System): Generator<Finding> {
  for (const { manifest, queues } of scalers) {
    for (const { place } of queues) {
      const switchedOff = place.at("metadata", "scaleOnInFlight");
      if (switchedOff.text !== "false") continue;
      yield finding(
        "IN_FLIGHT_NOT_COUNTED",
        switchedOff,
        `${title(manifest)} does not count messages in flight`,
      );
    }
  }
}

/** The consumer's own times fit one another. */
export function* consumerTimesFit({ apps }: System): Generator<Finding> {
  for (const app of apps.consumers) {
    if (app.settings === undefined) continue;
    const who = title(app.workload.manifest);
    const {
      VISIBILITY_SECONDS: visibility,
      HANDLER_TIMEOUT_SECONDS: limit,
      CALLBACK_TIMEOUT_SECONDS: callback,
      HANDLER: handler,
    } = app.settings;
    if (visibility > limit) {
      const what = `${who} hides a message for ${visibility} s; a handler may take ${limit} s`;
      yield finding("VISIBILITY_ABOVE_HANDLER_LIMIT", variablePlace(app, "VISIBILITY_SECONDS"), what);
    }
    if (visibility < leastVisibilitySeconds) {
      const what = `${who} hides a message for ${visibility} s and extends that after half of it`;
      yield finding("VISIBILITY_TOO_SHORT", variablePlace(app, "VISIBILITY_SECONDS"), what);
    }
    if (handler === "jobs" && limit <= callback) {
      const what = `${who} gives a handler ${limit} s, and its callback ${callback} s`;
      yield finding("HANDLER_LIMIT_BELOW_CALLBACK", variablePlace(app, "HANDLER_TIMEOUT_SECONDS"), what);
    }
  }
}
