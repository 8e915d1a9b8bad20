import { join } from "node:path";

import { KongHost } from "@kong-serverless/kong-host";

import { startAutoscaler } from "./autoscaler/start-autoscaler.ts";
import { Broker } from "./broker/broker.ts";
import { toGatewayRoute } from "./gateway/gateway-route.ts";
import { PlaygroundGateway } from "./gateway/gateway.ts";
import { PluginServerProcess } from "./gateway/plugin-server-process.ts";
import type { Journal } from "./journal.ts";
import { podEnvironment, podIp } from "./kubelet/pod-environment.ts";
import { ReplicaSet, type ReplicaSetOptions } from "./kubelet/replica-set.ts";
import { type Cluster, queuesOf } from "./manifests/cluster.ts";
import { ClusterDns } from "./network/cluster-dns.ts";
import type { Endpoint } from "./network/endpoint.ts";
import { startServices } from "./network/services.ts";
import type { Program } from "./processes/program.ts";
import type { PlaygroundSettings } from "./settings.ts";
import type { SidecarSwitch } from "./sidecar/sidecar-switch.ts";
import { startSidecar } from "./sidecar/start-sidecar.ts";
import { makeTemporaryFolder } from "./temporary-folder.ts";

export interface PlaygroundOptions {
  readonly cluster: Cluster;
  readonly settings: PlaygroundSettings;
  /** Port of the gateway; 0 takes any free one. */
  readonly port: number;
  /** The plugin server's bundle. */
  readonly pluginServer: string;
  /** The program that plays each scale target, by its name. */
  readonly programs: ReadonlyMap<string, Program>;
  /** The command of a real daprd; used where it exists. */
  readonly daprd: string;
  readonly journal: Journal;
  /** Aborts the start. */
  readonly signal: AbortSignal;
}

/** The gateway's proxy in a cluster: the Service of Kong's chart. */
const gatewayProxyService = { namespace: "kong", name: "kong-gateway-proxy", port: 80 };
/** Two, so that it shows if something is done once per worker instead of once per process. */
const gatewayWorkers = 2;
const stopGraceMs = 5_000;
/** OPS_PORT's default. */
const opsPortInCluster = 8090;

/** The whole system on loopback; each role of a cluster is played by a part of its own. */
export class Playground {
  readonly #stack: AsyncDisposableStack;
  readonly gateway: PlaygroundGateway;
  readonly pluginServer: PluginServerProcess;
  readonly sidecar: SidecarSwitch;
  readonly broker: Broker;
  readonly replicaSets: ReadonlyMap<string, ReplicaSet>;

  /** Starts every role, with backends at zero. If anything fails, nothing is left behind. */
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
  const { cluster, settings, journal, signal } = options;
  const { path: folder } = stack.use(await makeTemporaryFolder());

  const broker = await Broker.start(brokerOptions(options));
  stack.defer(() => broker.stop());
  const sidecar = await startSidecar({
    component: cluster.pubsub,
    broker,
    daprd: options.daprd,
    folder,
    journal,
    signal,
  });
  stack.defer(() => sidecar.stop());

  const socketPath = join(folder, "serverless.socket");
  const { scalerPort: scalerPortInCluster } = cluster;
  const pluginServer = await PluginServerProcess.start({
    entryPoint: options.pluginServer,
    socketPath,
    sidecarPort: sidecar.port,
    hasScaler: scalerPortInCluster !== undefined,
    journal,
    signal,
  });
  stack.defer(() => pluginServer.stop());

  const dns = new ClusterDns();
  const replicaSets = startReplicaSets(options, dns, broker, {
    ...broker.environment,
    DAPR_HTTP_PORT: String(sidecar.port),
  });
  for (const replicaSet of replicaSets.values()) stack.defer(() => replicaSet.stop(stopGraceMs));
  const pluginServerPorts = new Map<number | string, Endpoint>([
    [opsPortInCluster, { host: podIp, port: pluginServer.opsPort }],
  ]);
  if (pluginServer.scalerPort !== undefined && scalerPortInCluster !== undefined) {
    pluginServerPorts.set(scalerPortInCluster, { host: podIp, port: pluginServer.scalerPort });
  }
  const { services } = cluster;
  await startServices({ services, replicaSets, pluginServer: pluginServerPorts, dns }, stack);

  const kong = new KongHost({ socketPath, workers: gatewayWorkers });
  stack.defer(() => kong.close());
  const gateway = await PlaygroundGateway.start({
    port: options.port,
    routes: cluster.routes.map((route) => toGatewayRoute(route, dns, settings.keepWarmIntervalMs.used)),
    kong,
    journal,
  });
  stack.defer(() => gateway.stop());
  dns.add(gatewayProxyService.namespace, gatewayProxyService.name, gatewayProxyService.port, {
    host: podIp,
    port: gateway.port,
  });

  for (const { name, scaledObject } of cluster.scaleTargets) {
    const target = replicaSets.get(name);
    if (!target) continue;
    const autoscaler = startAutoscaler({ scaledObject, target, settings, broker, dns, journal });
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

function startReplicaSets(
  { cluster, programs, journal }: PlaygroundOptions,
  dns: ClusterDns,
  broker: Broker,
  injected: Readonly<Record<string, string>>,
): Map<string, ReplicaSet> {
  return new Map(
    cluster.scaleTargets.flatMap(({ name, deployment }) => {
      const program = programs.get(name);
      if (program === undefined) return [];
      const environmentFor: ReplicaSetOptions["environmentFor"] = (podName, ports) => {
        const [port] = ports.values();
        return podEnvironment({
          deployment,
          podName,
          ports,
          dns,
          queueUrl: (queue) => broker.queueUrl(queue),
          // Tells a process which port it has here instead of its container's fixed one.
          injected: {
            ...injected,
            ...program.environment,
            ...(port !== undefined && { PORT: String(port) }),
          },
        });
      };
      return [[name, new ReplicaSet({ deployment, program, environmentFor, journal })] as const];
    }),
  );
}
