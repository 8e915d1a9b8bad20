import { title } from "../../manifests/manifests.ts";
import { serviceAddress } from "../../system/address.ts";
import { variablePlace } from "../../system/app.ts";
import { consumerQueue } from "../../system/consumer-queue.ts";
import { findPubsub, queuesOfTopic, scalersOf, type System } from "../../system/system.ts";
import { selects } from "../../system/workload.ts";
import { type Finding, finding } from "../finding.ts";

/** Jobs that are published arrive in a queue that somebody consumes. */
export function* jobsAreConsumed(system: System): Generator<Finding> {
  const consumed = system.apps.consumers.flatMap((app) => consumerQueue(app)?.name ?? []);
  for (const app of system.apps.demoBackends) {
    if (app.settings === undefined || consumed.length === 0) continue;
    const { PUBSUB_NAME: pubsub, JOBS_TOPIC: topic } = app.settings;
    const component = findPubsub(system, pubsub, app.workload.manifest.namespace);
    if (queuesOfTopic(system, component, topic).some((queue) => consumed.includes(queue))) continue;
    const what = `${title(app.workload.manifest)} publishes jobs to topic ${topic}; consumed are ${consumed.join(", ")}`;
    yield finding("JOBS_QUEUE_NOT_CONSUMED", variablePlace(app, "JOBS_TOPIC"), what);
  }
}

/** Results go through the gateway, to a host that the consumer may post to. */
export function* callbacksArrive(system: System): Generator<Finding> {
  const { apps, manifests, scalers } = system;
  for (const app of apps.demoBackends) {
    if (app.settings === undefined) continue;
    const who = title(app.workload.manifest);
    const { host, hostname, protocol, port } = new URL(app.settings.GATEWAY_URL);
    const full = `${hostname}:${port || (protocol === "https:" ? "443" : "80")}`;
    for (const { workload, settings } of apps.consumers) {
      const allowed = settings?.CALLBACK_HOSTS;
      if (allowed === undefined || [hostname, host, full].some((name) => allowed.includes(name))) continue;
      const what = `${who} gives jobs callback URLs at ${full}; ${title(workload.manifest)} may post to ${allowed.join(", ")}`;
      yield finding("CALLBACK_HOST_NOT_ALLOWED", variablePlace(app, "GATEWAY_URL"), what);
    }
    const address = serviceAddress(app.settings.GATEWAY_URL);
    const service = address && manifests.find("Service", address.namespace, address.name);
    if (service && scalers.some(({ target }) => target && selects(service, target))) {
      const what = `${who} gives jobs callback URLs at ${title(service)}, which may have no pod`;
      yield finding("CALLBACK_BYPASSES_GATEWAY", variablePlace(app, "GATEWAY_URL"), what);
    }
  }
}

/** The consumer waits for as long as the gateway may hold its callback. */
export function* callbacksWaitLongEnough(system: System): Generator<Finding> {
  for (const { workload } of system.apps.demoBackends) {
    for (const { settings, ...backend } of system.backends) {
      const isReceiver = [...scalersOf(system, { settings, ...backend })].some(
        ({ target }) => target?.manifest === workload.manifest,
      );
      if (!isReceiver) continue;
      for (const app of system.apps.consumers) {
        const { CALLBACK_TIMEOUT_SECONDS: seconds, HANDLER: handler } = app.settings ?? {};
        if (handler !== "jobs" || seconds === undefined || seconds * 1000 > settings.holdTimeoutMs) continue;
        const what = `${title(app.workload.manifest)} waits ${seconds} s for a callback that the gateway may hold for ${settings.holdTimeoutMs} ms`;
        yield finding("CALLBACK_TIMEOUT_TOO_SHORT", variablePlace(app, "CALLBACK_TIMEOUT_SECONDS"), what);
      }
    }
  }
}
