import { title } from "../../manifests/manifests.ts";
import { pluginNames } from "../../system/route.ts";
import type { System } from "../../system/system.ts";
import { selects } from "../../system/workload.ts";
import { type Finding, finding } from "../finding.ts";

/** Every route leads to a Service and a port of it. */
export function* routesLeadToServices({ routes }: System): Generator<Finding> {
  for (const { ingress, place, service } of routes) {
    if (service === undefined) {
      const what = `${title(ingress)} leads to ${place.at("name").text ?? "nothing"}, which namespace ${ingress.namespace} does not have`;
      yield finding("SERVICE_NOT_FOUND", place.at("name"), what);
      continue;
    }
    const ports = service.root.at("spec", "ports").items;
    const port = place.at("port", place.at("port", "name").exists ? "name" : "number");
    const field = place.at("port", "name").exists ? "name" : "port";
    if (ports.some((candidate) => candidate.at(field).value === port.value)) continue;
    const found = ports.map((candidate) => String(candidate.at(field).value)).join(", ");
    const what = `${title(ingress)} leads to port ${String(port.value)} of ${title(service)}, which has ${found}`;
    yield finding("SERVICE_NOT_FOUND", port, what);
  }
}

/** Every Service selects pods that have its port, as far as its namespace's workloads are known. */
export function* servicesSelectPods({ manifests, workloads }: System): Generator<Finding> {
  for (const service of manifests.of("Service")) {
    const { namespace, root } = service;
    const neighbours = workloads.filter(({ manifest }) => manifest.namespace === namespace);
    const selector = root.at("spec", "selector");
    // A namespace without workloads, such as the gateway's, is filled by a chart.
    if (neighbours.length === 0 || !selector.exists) continue;
    const selected = neighbours.filter((workload) => selects(service, workload));
    if (selected.length === 0) {
      yield finding("SERVICE_SELECTS_NOTHING", selector, `${title(service)} selects the pods of no workload`);
    }
    for (const { manifest, containers } of selected) {
      const names = new Set(
        containers.flatMap(({ place }) => place.at("ports").items.map((port) => port.at("name").text)),
      );
      for (const port of root.at("spec", "ports").items) {
        const target = port.at("targetPort");
        if (target.text === undefined || names.has(target.text)) continue;
        const what = `${title(service)} sends to the port ${target.text}, which ${title(manifest)} does not have`;
        yield finding("SERVICE_PORT_NOT_FOUND", target, what);
      }
    }
  }
}

/** Kong reaches a ready pod of a held backend at once. */
export function* servicesAreUpstreams({ routes, plugins }: System): Generator<Finding> {
  const names = new Set(plugins.map(({ manifest }) => manifest.name));
  const seen = new Set<unknown>();
  for (const { ingress, service } of routes) {
    if (service === undefined || seen.has(service)) continue;
    const isHeld = [...pluginNames(ingress), ...pluginNames(service)].some((name) => names.has(name));
    const annotation = service.root.at("metadata", "annotations", "ingress.kubernetes.io/service-upstream");
    if (!isHeld || annotation.text === "true") continue;
    seen.add(service);
    yield finding("SERVICE_UPSTREAM_MISSING", annotation, `${title(service)} is reached pod by pod`);
  }
}
