import { type Manifest, title } from "../../manifests/manifests.ts";
import { serviceAddress } from "../../system/address.ts";
import type { Backend } from "../../system/backend.ts";
import { pluginNames } from "../../system/route.ts";
import { scalersOf, type System } from "../../system/system.ts";
import { selects } from "../../system/workload.ts";
import { type Finding, finding } from "../finding.ts";

/** Every ScaledObject has a target in its namespace, and no other one has the same. */
export function* scaleTargetsExist({ scalers }: System): Generator<Finding> {
  const taken = new Map<Manifest, Manifest>();
  for (const { manifest, target } of scalers) {
    const place = manifest.root.at("spec", "scaleTargetRef", "name");
    if (target === undefined) {
      const what = `${title(manifest)} scales ${place.text ?? "nothing"}, which namespace ${manifest.namespace} does not have`;
      yield finding("SCALE_TARGET_NOT_FOUND", place, what);
      continue;
    }
    const other = taken.get(target.manifest);
    if (other) {
      const what = `${title(manifest)} and ${title(other)} both scale ${title(target.manifest)}`;
      yield finding("SCALE_TARGET_SHARED", place, what);
    }
    taken.set(target.manifest, manifest);
  }
}

/** What wakes a backend scales the workload that its route leads to. */
export function* scaleTargetsServeTheirBackends(system: System): Generator<Finding> {
  for (const backend of system.backends) {
    const services = servicesOf(system, backend);
    if (services.length === 0) continue;
    for (const { manifest, target } of scalersOf(system, backend)) {
      if (target === undefined || services.some((service) => selects(service, target))) continue;
      yield finding(
        "SCALE_TARGET_MISMATCH",
        manifest.root.at("spec", "scaleTargetRef", "name"),
        `${title(manifest)} wakes ${title(target.manifest)} for backend ${backend.settings.name}, whose requests go to ${services.map((service) => title(service)).join(", ")}`,
      );
    }
  }
}

/** Nothing but KEDA sets the replicas of what it scales. */
export function* replicasAreLeftToKeda({ scalers }: System): Generator<Finding> {
  for (const { target } of scalers) {
    const replicas = target?.manifest.root.at("spec", "replicas");
    if (target === undefined || !replicas?.exists) continue;
    yield finding(
      "REPLICAS_SET",
      replicas,
      `${title(target.manifest)} has replicas: ${String(replicas.value)}`,
    );
  }
}

/** Every login of a trigger exists. */
export function* authenticationsExist({ scalers, manifests }: System): Generator<Finding> {
  for (const { manifest } of scalers) {
    for (const trigger of manifest.root.at("spec", "triggers").items) {
      const reference = trigger.at("authenticationRef");
      const { text: name } = reference.at("name");
      // One for the whole cluster is the platform's.
      if (name === undefined || reference.at("kind").text === "ClusterTriggerAuthentication") continue;
      if (manifests.find("TriggerAuthentication", manifest.namespace, name)) continue;
      const what = `${title(manifest)} logs in with ${name}, which namespace ${manifest.namespace} does not have`;
      yield finding("AUTHENTICATION_NOT_FOUND", reference.at("name"), what);
    }
  }
}

/** The Services that a backend's requests go to, as far as the manifests tell. */
function servicesOf({ manifests, routes }: System, { plugin, target, settings }: Backend): Manifest[] {
  const upstream = settings.upstream === undefined ? undefined : serviceAddress(settings.upstream);
  if (upstream) return [manifests.find("Service", upstream.namespace, upstream.name) ?? []].flat();
  const isRouted = (user: Manifest) => pluginNames(user).includes(plugin.name);
  const own = routes.filter(({ ingress, service }) => isRouted(ingress) || (service && isRouted(service)));
  const below = own.filter(({ path }) => target !== undefined && path.startsWith(target));
  return (below.length > 0 ? below : own).flatMap(({ service }) => service ?? []);
}
