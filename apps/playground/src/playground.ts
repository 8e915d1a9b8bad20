import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { ConfigError } from "@kong-serverless/config";
import { KongHost } from "@kong-serverless/kong-host";

import { Autoscaler } from "./autoscaler/autoscaler.ts";
import { AwsSqsTrigger } from "./autoscaler/aws-sqs-trigger.ts";
import { MetricsApiTrigger } from "./autoscaler/metrics-api-trigger.ts";
import type { Trigger } from "./autoscaler/trigger.ts";
import { Broker } from "./broker/broker.ts";
import type { GatewayRoute } from "./gateway/gateway-route.ts";
import { Gateway } from "./gateway/gateway.ts";
import { PluginServerProcess } from "./gateway/plugin-server-process.ts";
import type { Journal } from "./journal.ts";
import { podEnvironment, podIp } from "./kubelet/pod-environment.ts";
import { ReplicaSet } from "./kubelet/replica-set.ts";
import { type Cluster, type IngressRoute, queuesOf, type ScaleTarget } from "./manifests/cluster.ts";
import type { ScaledObjectTrigger, Service } from "./manifests/kinds.ts";
import { ClusterDns } from "./network/cluster-dns.ts";
import type { Endpoint } from "./network/endpoint.ts";
import { ServiceProxy } from "./network/service-proxy.ts";
import type { PlaygroundSettings } from "./settings.ts";
import { daprdVersion, startDaprd } from "./sidecar/daprd.ts";
import type { Sidecar } from "./sidecar/sidecar.ts";
import { startStandIn } from "./sidecar/stand-in.ts";

export interface PlaygroundOptions {
  readonly cluster: Cluster;
  readonly settings: PlaygroundSettings;
  /** Port of the gateway; 0 takes any free one. */
  readonly port: number;
  /** Bundled app of an image name; undefined for an image that is not of this project. */
  readonly entryPointOf: (image: string) => string | undefined;
  /** The command of a real daprd; used where it exists. */
  readonly daprd: string;
  readonly journal: Journal;
  /** Ends a start that is under way. */
  readonly signal: AbortSignal;
}

/** What the gateway's pods are called in a cluster: the labels that the demand Service selects, and the chart's proxy Service. */
const gatewayLabels: Record<string, string> = {
  "app.kubernetes.io/name": "gateway",
  "app.kubernetes.io/instance": "kong",
};
const gatewayProxyService = { namespace: "kong", name: "kong-gateway-proxy", port: 80 };
/** Two, so that what must be single per process is seen not to be single per worker. */
const gatewayWorkers = 2;
const stopGraceMs = 5_000;

/** The whole system on loopback, each role of a cluster played by a part of its own. */
export class Playground {
  readonly #stack: AsyncDisposableStack;
  readonly gateway: Gateway;
  readonly pluginServer: PluginServerProcess;
  readonly sidecar: Sidecar;
  readonly broker: Broker;
  readonly replicaSets: ReadonlyMap<string, ReplicaSet>;

  /** Starts every role, backends at zero. Whatever fails, nothing of it is left behind. */
  static async start(options: PlaygroundOptions): Promise<Playground> {
    await using stack = new AsyncDisposableStack();
    const parts = await startParts(options, stack);
    return new Playground(parts, stack.move());
  }

  private constructor(parts: PlaygroundParts, stack: AsyncDisposableStack) {
    this.#stack = stack;
    this.gateway = parts.gateway;
    this.pluginServer = parts.pluginServer;
    this.sidecar = parts.sidecar;
    this.broker = parts.broker;
    this.replicaSets = parts.replicaSets;
  }

  get url(): string {
    return `http://127.0.0.1:${this.gateway.port}`;
  }

  /** Stops everything in the reverse order of its start, and removes every file. */
  async stop(): Promise<void> {
    await this.#stack.disposeAsync();
  }
}

type PlaygroundParts = Pick<Playground, "gateway" | "pluginServer" | "sidecar" | "broker" | "replicaSets">;

async function startParts(options: PlaygroundOptions, stack: AsyncDisposableStack): Promise<PlaygroundParts> {
  const { cluster, settings, journal } = options;
  const folder = await mkdtemp(join(tmpdir(), "kong-serverless-"));
  stack.defer(() => rm(folder, { recursive: true, force: true }));

  const broker = await Broker.start(brokerOptions(options));
  stack.defer(() => broker.stop());
  const sidecar = await startSidecar(options, broker, folder);
  stack.defer(() => sidecar.stop());

  const socketPath = join(folder, "serverless.socket");
  const pluginServer = await PluginServerProcess.start({
    entryPoint: entryPoint(options, "kong-serverless/kong-plugin"),
    socketPath,
    sidecarPort: sidecar.port,
    journal,
  });
  stack.defer(() => pluginServer.stop());

  const dns = new ClusterDns();
  const replicaSets = startReplicaSets(options, dns, {
    ...broker.environment,
    DAPR_HTTP_PORT: String(sidecar.port),
  });
  for (const replicaSet of replicaSets.values()) stack.defer(() => replicaSet.stop(stopGraceMs));
  await startServices(cluster, replicaSets, pluginServer.opsPort, dns, stack);

  const kong = new KongHost({ socketPath, workers: gatewayWorkers });
  stack.defer(() => kong.close());
  const gateway = await Gateway.start({
    port: options.port,
    routes: cluster.routes.map((route, index) => toGatewayRoute(route, index, settings, dns)),
    kong,
    journal,
  });
  stack.defer(() => gateway.stop());
  dns.add(gatewayProxyService.namespace, gatewayProxyService.name, gatewayProxyService.port, {
    host: podIp,
    port: gateway.port,
  });

  for (const target of cluster.scaleTargets) {
    const autoscaler = startAutoscaler(target, options, { replicaSets, broker, dns });
    stack.defer(() => autoscaler.stop());
  }
  return { gateway, pluginServer, sidecar, broker, replicaSets };
}

function brokerOptions({ cluster, settings, journal }: PlaygroundOptions) {
  const wakeTopics = new Set(cluster.backends.flatMap(({ wake }) => wake?.topic ?? []));
  const queues = cluster.scaleTargets.flatMap(({ scaledObject }) => queuesOf(scaledObject));
  return {
    region: cluster.pubsub.spec.metadata.find(({ name }) => name === "region")?.value ?? "us-east-1",
    topics: [...new Set([...wakeTopics, ...queues])],
    wakeTopics,
    wakeRetentionSeconds: settings.wakeRetentionSeconds.used,
    onError: (error: unknown) => journal.record("broker", "broker.failed", { error: String(error) }),
  };
}

async function startSidecar(
  { cluster, daprd, journal }: PlaygroundOptions,
  broker: Broker,
  folder: string,
): Promise<Sidecar> {
  const version = await daprdVersion(daprd);
  if (version === undefined) {
    return startStandIn({
      pubsub: cluster.pubsub.metadata.name,
      sns: broker.sns,
      topicArn: (topic) => broker.topicArn(topic),
      onError: (error) => journal.record("sidecar", "sidecar.failed", { error: String(error) }),
    });
  }
  return startDaprd({
    command: daprd,
    version,
    component: cluster.pubsub,
    brokerEndpoint: broker.endpoint,
    environment: broker.environment,
    folder,
    onLine: (line) => journal.record("sidecar", "output", { line }),
  });
}

function startReplicaSets(
  options: PlaygroundOptions,
  dns: ClusterDns,
  injected: Readonly<Record<string, string>>,
): Map<string, ReplicaSet> {
  const { cluster, journal } = options;
  return new Map(
    cluster.scaleTargets.map(({ name, deployment }) => [
      name,
      new ReplicaSet({
        deployment,
        entryPoint: entryPoint(options, deployment.spec.template.spec.containers[0]?.image ?? ""),
        environmentFor: (podName, ports) =>
          podEnvironment({ deployment, podName, ports, configMaps: cluster.configMaps, dns, injected }),
        journal,
      }),
    ]),
  );
}

function entryPoint({ entryPointOf }: PlaygroundOptions, image: string): string {
  const path = entryPointOf(image);
  if (path !== undefined) return path;
  throw new ConfigError(`Image "${image}"`, [
    "allowed: kong-serverless/NAME, where apps/NAME is an app of this workspace",
  ]);
}

/** Makes every Service reachable: of a backend through a proxy of its own, of the gateway at the plugin server itself. */
async function startServices(
  { services }: Cluster,
  replicaSets: ReadonlyMap<string, ReplicaSet>,
  opsPort: number,
  dns: ClusterDns,
  stack: AsyncDisposableStack,
): Promise<void> {
  for (const service of services) {
    const { metadata, spec } = service;
    for (const { port, targetPort = port } of spec.ports) {
      const address = matches(spec.selector, gatewayLabels)
        ? { host: podIp, port: opsPort }
        : await proxyService(spec.selector, targetPort, replicaSets, stack);
      dns.add(metadata.namespace, metadata.name, port, address);
    }
  }
}

async function proxyService(
  selector: Service["spec"]["selector"],
  targetPort: number | string,
  replicaSets: ReadonlyMap<string, ReplicaSet>,
  stack: AsyncDisposableStack,
): Promise<Endpoint> {
  const selected = [...replicaSets.values()].filter(({ labels }) => matches(selector, labels));
  const proxy = await ServiceProxy.start(() =>
    selected.flatMap((replicaSet) => replicaSet.readyEndpoints(targetPort)),
  );
  stack.defer(() => proxy.stop());
  return { host: podIp, port: proxy.port };
}

function matches(
  selector: Readonly<Record<string, string>>,
  labels: Readonly<Record<string, string>>,
): boolean {
  return Object.entries(selector).every(([name, value]) => labels[name] === value);
}

function toGatewayRoute(
  ingress: IngressRoute,
  index: number,
  settings: PlaygroundSettings,
  dns: ClusterDns,
): GatewayRoute {
  const { namespace, name } = ingress.service.metadata;
  const upstream = new URL(dns.resolve(`http://${name}.${namespace}.svc:${ingress.servicePort}`) ?? "");
  return {
    ingress,
    upstream: { host: upstream.hostname, port: Number(upstream.port) },
    plugin: ingress.plugin && {
      id: `plugin.${ingress.plugin.metadata.namespace}.${ingress.plugin.metadata.name}.${index}`,
      name: ingress.plugin.plugin,
      config: { ...ingress.plugin.config, keepWarmIntervalMs: settings.keepWarmIntervalMs.used },
      routeId: `route.${ingress.name}`,
      seq: 1,
    },
  };
}

function startAutoscaler(
  { name, scaledObject: { spec } }: ScaleTarget,
  { settings, journal }: PlaygroundOptions,
  {
    replicaSets,
    broker,
    dns,
  }: { replicaSets: ReadonlyMap<string, ReplicaSet>; broker: Broker; dns: ClusterDns },
): Autoscaler {
  const target = replicaSets.get(name);
  if (!target) throw new Error(`no replica set ${name}`);
  const stabilization =
    spec.advanced?.horizontalPodAutoscalerConfig?.behavior?.scaleDown?.stabilizationWindowSeconds;
  return new Autoscaler({
    target,
    triggers: spec.triggers.map((trigger, index) => toTrigger(trigger, `${name}.${index}`, broker, dns)),
    pollingInterval: spec.pollingInterval,
    cooldownPeriod: Math.min(spec.cooldownPeriod, settings.cooldownSeconds.used),
    initialCooldownPeriod: spec.initialCooldownPeriod,
    minReplicaCount: spec.minReplicaCount,
    maxReplicaCount: spec.maxReplicaCount,
    scaleDownStabilizationSeconds: Math.min(
      stabilization ?? 300,
      settings.scaleDownStabilizationSeconds.used,
    ),
    hpaSyncSeconds: settings.hpaSyncSeconds.used,
    journal,
  });
}

function toTrigger(
  trigger: ScaledObjectTrigger,
  fallbackName: string,
  broker: Broker,
  dns: ClusterDns,
): Trigger {
  const name = trigger.name ?? fallbackName;
  if (trigger.type === "aws-sqs-queue") return new AwsSqsTrigger(name, trigger.metadata, broker.sqs);
  const url = dns.resolve(trigger.metadata.url);
  if (url === undefined) {
    throw new ConfigError(`Trigger ${name}: metadata.url`, [
      `found "${trigger.metadata.url}"; allowed: a URL of a Service in the manifests (http://NAME.NAMESPACE.svc:PORT/...)`,
    ]);
  }
  return new MetricsApiTrigger(name, trigger.metadata, url);
}
