import type { Check } from "../doctor/checks/check.ts";
import { type Finding, finding } from "../doctor/finding.ts";
import { type Manifest, title } from "../manifests/manifests.ts";
import type { Place } from "../manifests/place.ts";
import { serviceAddress } from "../system/address.ts";
import type { System } from "../system/system.ts";
import { selects } from "../system/workload.ts";

/** KEDA scales every target and can read every trigger. */
function* scaledObjectsAreReady({ scalers }: System): Generator<Finding> {
  for (const { manifest } of scalers) {
    const ready = condition(manifest, "Ready");
    if (ready?.at("status").text !== "True") {
      const place = ready ?? manifest.root.at("status", "conditions");
      const why = ready?.at("message").text ?? "KEDA has not looked at it";
      yield finding("SCALED_OBJECT_NOT_READY", place, `${title(manifest)}: ${why}`);
    }
    const paused = condition(manifest, "Paused");
    if (paused?.at("status").text === "True") {
      yield finding("SCALED_OBJECT_PAUSED", paused, `${title(manifest)} is paused`);
    }
    for (const [trigger, health] of manifest.root.at("status", "health").entries) {
      if (health.at("status").text !== "Failing") continue;
      const failures = health.at("numberOfFailures").number ?? 0;
      yield finding(
        "TRIGGER_FAILING",
        health,
        `${title(manifest)}: trigger ${trigger} has failed ${failures} times`,
      );
    }
  }
}

/** Kong has taken every plugin. */
function* pluginsAreProgrammed({ plugins }: System): Generator<Finding> {
  for (const { manifest } of plugins) {
    const programmed = condition(manifest, "Programmed");
    if (programmed?.at("status").text !== "False") continue;
    const why = programmed.at("message").text ?? programmed.at("reason").text ?? "no reason given";
    yield finding("PLUGIN_REJECTED", programmed, `${title(manifest)}: ${why}`);
  }
}

/** A pod that is annotated for a sidecar has one. */
function* sidecarsRun({ manifests }: System): Generator<Finding> {
  for (const pod of manifests.of("Pod")) {
    const { root } = pod;
    if (root.at("metadata", "annotations", "dapr.io/enabled").text !== "true") continue;
    const containers = [...root.at("spec", "containers").items, ...root.at("spec", "initContainers").items];
    if (containers.some((container) => container.at("name").text === "daprd")) continue;
    yield finding("SIDECAR_NOT_INJECTED", root.at("spec", "containers"), `${title(pod)} runs without daprd`);
  }
}

/** A gateway pod is there to be asked for its demand. */
function* gatewaysAreReady(system: System): Generator<Finding> {
  const { scalers, manifests } = system;
  const asked = new Set<Manifest>();
  for (const { url } of scalers.flatMap(({ demands }) => demands)) {
    const address = serviceAddress(url.href);
    const service = address && manifests.find("Service", address.namespace, address.name);
    if (service) asked.add(service);
  }
  for (const service of asked) {
    if (readyEndpoints(system, service) > 0) continue;
    yield finding(
      "GATEWAY_NOT_READY",
      service.root.at("spec", "selector"),
      `${title(service)} has no ready pod`,
    );
  }
}

/** A backend that runs is reachable. */
function* runningBackendsAreReachable(system: System): Generator<Finding> {
  const services = new Set(system.routes.flatMap(({ service }) => service ?? []));
  for (const service of services) {
    if (readyEndpoints(system, service) > 0) continue;
    const running = system.workloads.find(
      (workload) =>
        selects(service, workload) && (workload.manifest.root.at("status", "replicas").number ?? 0) > 0,
    );
    if (running === undefined) continue;
    const what = `${title(service)} has no ready endpoint, and ${title(running.manifest)} has pods`;
    yield finding("ENDPOINTS_MISSING", service.root.at("spec", "selector"), what);
  }
}

/** What a live cluster shows beside what was applied. */
export const liveChecks: readonly Check[] = [
  scaledObjectsAreReady,
  pluginsAreProgrammed,
  sidecarsRun,
  gatewaysAreReady,
  runningBackendsAreReachable,
];

function condition({ root }: Manifest, type: string): Place | undefined {
  return root.at("status", "conditions").items.find((candidate) => candidate.at("type").text === type);
}

function readyEndpoints({ manifests }: System, { namespace, name }: Manifest): number {
  const slices = manifests
    .of("EndpointSlice")
    .filter((slice) => slice.namespace === namespace)
    .filter(({ root }) => root.at("metadata", "labels", "kubernetes.io/service-name").text === name);
  const endpoints = slices.flatMap(({ root }) => root.at("endpoints").items);
  // Unknown counts as ready: https://kubernetes.io/docs/concepts/services-networking/endpoint-slices/
  return endpoints.filter((endpoint) => endpoint.at("conditions", "ready").value !== false).length;
}
