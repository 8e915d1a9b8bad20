import { ConfigError } from "@kong-serverless/config";
import {
  type Container,
  type Manifests,
  policiesThatShutOut,
  readSystem,
  readGateway,
  selects,
  type System,
  title,
  type Workload,
} from "@kong-serverless/manifests";

/** An existing service, as far as scaling it to zero needs to know it. */
export interface AdoptedService {
  /** The name of the backend and of everything that is written for it. */
  readonly name: string;
  readonly namespace: string;
  readonly workload: { readonly apiVersion: string; readonly kind: string; readonly name: string };
  readonly podLabels: Readonly<Record<string, string>>;
  /** The container that serves, and what in it slows every cold start or breaks the last request before zero. */
  readonly container: string;
  readonly lacksPreStop: boolean;
  readonly isProbedSlowly: boolean;
  readonly service: string;
  /** The Service's. */
  readonly port: number;
  /** Of the pods. */
  readonly podPort: number;
  /** Path of the readiness URL. */
  readonly health: string;
  /** The routes that already lead to it. */
  readonly routes: readonly { readonly kind: string; readonly name: string }[];
  /** Whether a NetworkPolicy keeps the gateway away from its pods. */
  readonly isShutOff: boolean;
}

export interface AdoptOptions {
  /** `checkout`, `deploy/checkout` or `sts/checkout`; may be undefined if there is only one candidate. */
  readonly from: string | undefined;
  /** Undefined: any. */
  readonly namespace: string | undefined;
  readonly service: string | undefined;
  readonly health: string | undefined;
  readonly gatewayNamespace: string;
}

/** The label that deploy/platform/kong gives the gateway's pods, whichever chart or manifest they come from. */
const gatewayLabels: ReadonlyMap<string, string> = new Map([["kong-serverless/gateway", "true"]]);

const kinds: Readonly<Record<string, string>> = {
  deploy: "Deployment",
  deployment: "Deployment",
  deployments: "Deployment",
  sts: "StatefulSet",
  statefulset: "StatefulSet",
  statefulsets: "StatefulSet",
};

/** Finds the service among manifests. Throws a ConfigError that lists the candidates if the user has to choose. */
export function adoptService(manifests: Manifests, options: AdoptOptions): AdoptedService {
  const system = readSystem(manifests, readGateway());
  const workload = findWorkload(system, options);
  const { manifest } = workload;
  const service = one(
    system.manifests
      .of("Service")
      .filter((candidate) => selects(candidate, workload))
      .filter(({ name }) => options.service === undefined || name === options.service),
    { what: `Service for ${title(manifest)}`, flag: "--service" },
  );
  const [port] = service.root.at("spec", "ports").items;
  const servicePort = port?.at("port").number;
  if (port === undefined || servicePort === undefined) throw unfit(`${title(service)} has no port`);
  const targetPort = port.at("targetPort").exists ? port.at("targetPort") : port.at("port");
  const podPort = targetPort.number ?? containerPort(workload, targetPort.text ?? "");
  if (podPort === undefined) throw unfit(`${title(manifest)} has no container port ${targetPort.text ?? ""}`);
  const container = servingContainer(workload);
  const health = options.health ?? container?.place.at("readinessProbe", "httpGet", "path").text;
  if (health === undefined || container === undefined) {
    throw unfit(
      `${title(manifest)} has no readinessProbe with httpGet; say with --health which path answers once it is ready`,
    );
  }
  const probe = container.place.at("readinessProbe");
  return {
    name: manifest.name,
    namespace: manifest.namespace,
    workload: { apiVersion: manifest.apiVersion, kind: manifest.kind, name: manifest.name },
    podLabels: Object.fromEntries(service.root.at("spec", "selector").texts),
    container: container.place.at("name").text ?? "",
    lacksPreStop: !container.place.at("lifecycle", "preStop").exists,
    isProbedSlowly: probe.exists && probe.at("periodSeconds").number !== 1,
    service: service.name,
    port: servicePort,
    podPort,
    health,
    routes: system.routes
      .filter((route) => route.service === service)
      .map((route) => ({ kind: route.manifest.kind, name: route.manifest.name })),
    isShutOff:
      policiesThatShutOut(manifests, {
        from: { namespace: options.gatewayNamespace, labels: { known: gatewayLabels, areAll: true } },
        to: { namespace: manifest.namespace, labels: { known: workload.labels, areAll: true } },
        port: podPort,
        portName: targetPort.text,
      }).length > 0,
  };
}

function findWorkload({ workloads, manifests }: System, { from, namespace }: AdoptOptions): Workload {
  const [kind, name] = from?.includes("/") ? from.split("/", 2) : [undefined, from];
  if (kind !== undefined && kinds[kind.toLowerCase()] === undefined) {
    throw unfit(`--from: found ${JSON.stringify(from)}; allowed are deploy/NAME and sts/NAME`);
  }
  const services = manifests.of("Service");
  const candidates = workloads
    .filter(({ manifest }) => namespace === undefined || manifest.namespace === namespace)
    .filter(({ manifest }) => kind === undefined || manifest.kind === kinds[kind.toLowerCase()])
    .filter(({ manifest }) => name === undefined || manifest.name === name)
    .filter((workload) => services.some((service) => selects(service, workload)));
  const found = one(
    candidates.map(({ manifest }) => manifest),
    { what: "Deployment or StatefulSet behind a Service", flag: "--from" },
  );
  return candidates.find(({ manifest }) => manifest === found) as Workload;
}

function one<Found extends Parameters<typeof title>[0]>(
  found: readonly Found[],
  { what, flag }: { readonly what: string; readonly flag: string },
): Found {
  const [only, ...others] = found;
  if (only === undefined) throw unfit(`there is no ${what}`);
  if (others.length > 0) {
    throw unfit(`there is more than one ${what}; choose with ${flag}: ${found.map(title).join(", ")}`);
  }
  return only;
}

function containerPort({ containers }: Workload, name: string): number | undefined {
  const ports = containers.flatMap(({ place }) => place.at("ports").items);
  return ports.find((port) => port.at("name").text === name)?.at("containerPort").number;
}

/** The container with a readiness probe over HTTP, else the first. */
function servingContainer({ containers }: Workload): Container | undefined {
  return containers.find(({ place }) => place.at("readinessProbe", "httpGet").exists) ?? containers.at(0);
}

function unfit(issue: string): ConfigError {
  return new ConfigError("What init was given", [issue]);
}
