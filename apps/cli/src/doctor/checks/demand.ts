import { title } from "../../manifests/manifests.ts";
import { serviceAddress } from "../../system/address.ts";
import type { DemandTrigger, Scaler } from "../../system/scaler.ts";
import type { System } from "../../system/system.ts";
import { type Finding, finding } from "../finding.ts";

/** Every demand that a ScaledObject asks for is that of a backend. */
export function* demandsAreOfBackends({ scalers, backends }: System): Generator<Finding> {
  const names = new Set(backends.map(({ settings }) => settings.name));
  for (const { manifest, demands } of scalers) {
    for (const { backend, place } of demands) {
      if (names.has(backend)) continue;
      const what = `${title(manifest)} asks for the demand of ${backend}; the backends are ${[...names].join(", ") || "none"}`;
      yield finding("DEMAND_BACKEND_UNKNOWN", place.at("metadata", "url"), what);
    }
  }
}

/** Every demand is asked for at a Service and port that exist. */
export function* demandsHaveService({ scalers, manifests }: System): Generator<Finding> {
  for (const { manifest, trigger } of allDemands(scalers)) {
    const url = trigger.place.at("metadata", "url");
    const fault = (what: string) =>
      finding("DEMAND_SERVICE_NOT_FOUND", url, `${title(manifest)} asks ${trigger.url.host}: ${what}`);
    const address = serviceAddress(trigger.url.href);
    const service = address && manifests.find("Service", address.namespace, address.name);
    if (address === undefined || service === undefined) {
      yield fault(address === undefined ? "this is no Service's address" : "there is no such Service");
      continue;
    }
    // Asked one by one, the endpoints are those of the pods.
    const isPerPod = trigger.place.at("metadata", "aggregateFromKubeServiceEndpoints").text === "true";
    const ports = service.root
      .at("spec", "ports")
      .items.map((port) =>
        isPerPod && port.at("targetPort").exists ? port.at("targetPort") : port.at("port"),
      );
    if (ports.some((port) => port.number === address.port || (isPerPod && port.text !== undefined))) continue;
    const found = ports.map(({ value }) => String(value)).join(", ");
    yield fault(`${title(service)} has ${isPerPod ? "the pod port" : "port"} ${found}`);
  }
}

/** The demand is the sum over all gateway pods. */
export function* demandsAreSummed({ scalers }: System): Generator<Finding> {
  const wanted = {
    aggregateFromKubeServiceEndpoints: "true",
    aggregationType: "sum",
    valueLocation: "demand",
  };
  for (const { manifest, trigger } of allDemands(scalers)) {
    for (const [field, value] of Object.entries(wanted)) {
      const place = trigger.place.at("metadata", field);
      if (place.text === value) continue;
      const found = place.exists ? JSON.stringify(place.value) : "nothing";
      yield finding("DEMAND_NOT_SUMMED", place, `${title(manifest)}: ${field} is ${found}, not "${value}"`);
    }
  }
}

function allDemands(scalers: readonly Scaler[]): (Pick<Scaler, "manifest"> & { trigger: DemandTrigger })[] {
  return scalers.flatMap(({ manifest, demands }) => demands.map((trigger) => ({ manifest, trigger })));
}
