import { title } from "../manifests/manifests.ts";
import type { System } from "../system/system.ts";
import type { Check } from "./checks/check.ts";
import { componentsAreScopedToPublishers, componentsExist, sidecarsAreInjected } from "./checks/component.ts";
import { consumersHaveTheirQueue, consumerTimesFit, messagesInWorkCount } from "./checks/consumer.ts";
import { demandsAreOfBackends, demandsAreSummed, demandsHaveService } from "./checks/demand.ts";
import { environmentsAreValid, referencesExist } from "./checks/environment.ts";
import { callbacksArrive, callbacksWaitLongEnough, jobsAreConsumed } from "./checks/jobs.ts";
import { pluginConfigIsValid, pluginsAndRoutesMeet } from "./checks/plugin.ts";
import { backendsAreProbed, backendsPauseBeforeTheyStop, gracePeriodsSuffice } from "./checks/pod.ts";
import { rabbitmqIsDefined } from "./checks/rabbitmq.ts";
import { queuesAreInOnePlace } from "./checks/region.ts";
import {
  authenticationsExist,
  replicasAreLeftToKeda,
  scaleTargetsExist,
  scaleTargetsServeTheirBackends,
} from "./checks/scale-target.ts";
import { routesLeadToServices, servicesAreUpstreams, servicesSelectPods } from "./checks/service.ts";
import { backendsAreScaled, wakeTopicsAreApart } from "./checks/wake-path.ts";
import {
  backendsStayWarm,
  holdsFit,
  pollingIntervalsFit,
  wakeTriggersOnlyWake,
} from "./checks/wake-times.ts";
import type { Diagnosis } from "./finding.ts";

/** Everything that manifests show. */
export const checks: readonly Check[] = [
  pluginConfigIsValid,
  pluginsAndRoutesMeet,
  componentsExist,
  componentsAreScopedToPublishers,
  sidecarsAreInjected,
  backendsAreScaled,
  wakeTopicsAreApart,
  demandsAreOfBackends,
  demandsHaveService,
  demandsAreSummed,
  scaleTargetsExist,
  scaleTargetsServeTheirBackends,
  replicasAreLeftToKeda,
  authenticationsExist,
  routesLeadToServices,
  servicesSelectPods,
  servicesAreUpstreams,
  queuesAreInOnePlace,
  referencesExist,
  environmentsAreValid,
  consumersHaveTheirQueue,
  messagesInWorkCount,
  consumerTimesFit,
  jobsAreConsumed,
  callbacksArrive,
  callbacksWaitLongEnough,
  rabbitmqIsDefined,
  wakeTriggersOnlyWake,
  backendsStayWarm,
  holdsFit,
  pollingIntervalsFit,
  gracePeriodsSuffice,
  backendsPauseBeforeTheyStop,
  backendsAreProbed,
];

/** Looks at what would be applied, without a cluster. */
export function diagnose(system: System): Diagnosis {
  const findings = checks.flatMap((check) => Array.from(check(system)));
  return { ok: findings.length === 0, findings, skipped: [...unknowns(system)] };
}

/** What the manifests alone do not tell. */
export function* unknowns({
  manifests,
  workloads,
  plugins,
  pubsubs,
  rabbitmq,
  gateway,
}: System): Generator<string> {
  if (gateway.appId === undefined && pubsubs.some(({ scopes }) => scopes.length > 0)) {
    yield "whether the Components' scopes list the gateway: its dapr.io/app-id is not known (--kong-values)";
  }
  if (pubsubs.some(({ broker }) => broker === "rabbitmq") && rabbitmq === undefined) {
    yield "RabbitMQ's exchanges, queues and bindings: no definitions file is among the manifests";
  }
  for (const { manifest } of plugins) {
    if (manifest.root.at("configFrom").exists) yield `${title(manifest)}: its configuration is in a Secret`;
  }
  for (const { manifest, containers } of workloads) {
    for (const { place } of containers.flatMap(({ environment }) => environment)) {
      const name = place.at("valueFrom", "secretKeyRef", "name").text;
      if (name === undefined || manifests.find("Secret", manifest.namespace, name)) continue;
      yield `${place.at("name").text ?? ""} of ${title(manifest)}: Secret ${name} is not among the manifests`;
    }
  }
}
