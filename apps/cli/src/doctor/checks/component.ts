import { title } from "../../manifests/manifests.ts";
import type { Place } from "../../manifests/place.ts";
import { variablePlace } from "../../system/app.ts";
import type { Backend } from "../../system/backend.ts";
import { gatewayNamespace, type System } from "../../system/system.ts";
import { type Finding, finding } from "../finding.ts";

/** Somebody who sends messages through a Dapr Component. */
interface Publisher {
  readonly title: string;
  readonly pubsub: string;
  readonly place: Place;
  /** Undefined where nothing tells in which namespace the gateway runs. */
  readonly namespace: string | undefined;
  readonly appId: string | undefined;
}

/** Every Component that somebody publishes through exists where the publisher's sidecar looks for it. */
export function* componentsExist(system: System): Generator<Finding> {
  for (const { title: who, pubsub, place, namespace } of publishers(system)) {
    const named = system.pubsubs.filter(({ manifest }) => manifest.name === pubsub);
    if (named.some(({ manifest }) => namespace === undefined || manifest.namespace === namespace)) continue;
    const where = named.map(({ manifest }) => manifest.namespace).join(", ") || "no namespace";
    yield finding(
      "COMPONENT_NOT_FOUND",
      place,
      `${who} publishes${namespace === undefined ? "" : ` from namespace ${namespace}`} through the Component ${pubsub}, which is found in ${where}`,
    );
  }
}

/** Every Component with scopes lists its publishers. */
export function* componentsAreScopedToPublishers(system: System): Generator<Finding> {
  for (const { title: who, pubsub, namespace, appId } of publishers(system)) {
    const named = system.pubsubs.filter(
      ({ manifest }) =>
        manifest.name === pubsub && (namespace === undefined || manifest.namespace === namespace),
    );
    const [first] = named;
    if (appId === undefined || first === undefined) continue;
    if (named.some(({ scopes }) => scopes.length === 0 || scopes.includes(appId))) continue;
    const what = `${title(first.manifest)} is scoped to ${first.scopes.join(", ")}; ${who} publishes as ${appId}`;
    yield finding("COMPONENT_SCOPE_MISSING", first.manifest.root.at("scopes"), what);
  }
}

/** An app that publishes has its sidecar, which does not delay its pod's cold start. */
export function* sidecarsAreInjected({ apps, scalers }: System): Generator<Finding> {
  for (const { workload } of apps.demoBackends) {
    const annotations = workload.template.at("metadata", "annotations");
    if (annotations.at("dapr.io/enabled").text !== "true") {
      const what = `${title(workload.manifest)} publishes and has no Dapr sidecar`;
      yield finding("DAPR_NOT_ENABLED", annotations, what);
    }
  }
  const delay = "dapr.io/sidecar-readiness-probe-delay-seconds";
  for (const { target } of scalers) {
    if (target?.annotations.get("dapr.io/enabled") !== "true" || target.annotations.get(delay) === "0")
      continue;
    yield finding(
      "SIDECAR_DELAYS_COLD_START",
      target.template.at("metadata", "annotations", delay),
      `${title(target.manifest)} has a Dapr sidecar whose readiness is first asked for after ${target.annotations.get(delay) ?? "3"} s`,
    );
  }
}

function publishers(system: System): Publisher[] {
  const gateways = system.backends.flatMap((backend) => gatewayPublisher(system, backend) ?? []);
  const apps = system.apps.demoBackends.flatMap((app) => {
    const { workload, settings } = app;
    if (settings === undefined) return [];
    return {
      title: title(workload.manifest),
      pubsub: settings.PUBSUB_NAME,
      place: variablePlace(app, "PUBSUB_NAME"),
      namespace: workload.manifest.namespace,
      appId: workload.annotations.get("dapr.io/app-id"),
    };
  });
  return [...gateways, ...apps];
}

function gatewayPublisher(
  system: System,
  { settings: { wake, name }, place }: Backend,
): Publisher | undefined {
  if (wake === undefined) return undefined;
  return {
    title: `The gateway, for backend ${name},`,
    pubsub: wake.pubsub,
    place: place.at("pubsub"),
    namespace: gatewayNamespace(system),
    appId: system.gateway.appId,
  };
}
