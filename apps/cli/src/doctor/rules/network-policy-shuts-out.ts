import {
  type PodConnection,
  gatewayServices,
  type Labels,
  type Manifest,
  policiesThatShutOut,
  type Pods,
  servicesOf,
  type System,
  title,
  workloadsOf,
} from "@kong-serverless/manifests";

import { fault, type Rule } from "../rule.ts";

/** A connection that has to work, and its purpose. */
interface Way extends PodConnection {
  readonly what: string;
}

/** The labels that KEDA's chart sets. It may be installed in any namespace. */
const scaler: Pods = {
  namespace: undefined,
  labels: {
    known: new Map([
      ["app.kubernetes.io/name", "keda-operator"],
      ["app", "keda-operator"],
    ]),
    areAll: false,
  },
};

export const networkPolicyShutsOut: Rule = {
  code: "NETWORK_POLICY_SHUTS_OUT",
  topic: "names",
  severity: "error",
  why: "If the gateway cannot reach the backend, no probe or request arrives; if KEDA cannot reach the gateway, it never sees the demand.",
  fix: "Allow the gateway's pods to reach the backend's port, and KEDA's operator to reach the port that serves the demand.",
  *check(system) {
    for (const { what, ...connection } of [...waysToBackends(system), ...waysToDemand(system)]) {
      for (const policy of policiesThatShutOut(system.manifests, connection)) {
        yield fault(policy.root.at("spec"), `${title(policy)} does not let ${what}`);
      }
    }
  },
};

function* waysToBackends(system: System): Generator<Way> {
  const [gateway] = gatewayServices(system);
  const from: Pods = {
    namespace: gateway?.namespace,
    labels: labelsBehind(gateway),
  };
  for (const backend of system.backends) {
    for (const service of servicesOf(system, backend)) {
      for (const { manifest, labels, containers } of workloadsOf(system, service)) {
        for (const port of service.root.at("spec", "ports").items) {
          const target = port.at(port.at("targetPort").exists ? "targetPort" : "port");
          const named = containers
            .flatMap(({ place }) => place.at("ports").items)
            .find((candidate) =>
              target.text === undefined
                ? candidate.at("containerPort").number === target.number
                : candidate.at("name").text === target.text,
            );
          yield {
            what: `the gateway reach ${title(manifest)} for backend ${backend.settings.name}`,
            from,
            to: { namespace: manifest.namespace, labels: { known: labels, areAll: true } },
            port: target.text === undefined ? target.number : named?.at("containerPort").number,
            portName: named?.at("name").text,
          };
        }
      }
    }
  }
}

function* waysToDemand(system: System): Generator<Way> {
  for (const service of gatewayServices(system)) {
    for (const port of service.root.at("spec", "ports").items) {
      const target = port.at(port.at("targetPort").exists ? "targetPort" : "port");
      yield {
        what: `KEDA's operator ask ${title(service)} for the demand`,
        from: scaler,
        to: { namespace: service.namespace, labels: labelsBehind(service) },
        port: target.number,
        portName: target.text,
      };
    }
  }
}

/** The Service's selector is all that the manifests say about the gateway's pods. */
function labelsBehind(service: Manifest | undefined): Labels {
  return { known: service?.root.at("spec", "selector").texts ?? new Map(), areAll: false };
}
