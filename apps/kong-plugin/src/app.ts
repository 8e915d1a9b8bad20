import { Activator } from "@kong-serverless/activator";
import type { KongPluginEnvironment } from "@kong-serverless/config";
import { DaprPublisher } from "@kong-serverless/dapr-publisher";
import { probe } from "@kong-serverless/health-poller";
import type { ScalerServer } from "@kong-serverless/keda-scaler";
import { type PluginModule, PluginServer } from "@kong-serverless/plugin-server";
import { type Log, OpsServer, type RunningService } from "@kong-serverless/runtime";

import type { BackendPods } from "./backend-pods.ts";
import { demandRoutes } from "./demand.ts";
import type { EntityParts } from "./entity.ts";
import { logActivatorEvent } from "./event-log.ts";
import { LuaEntities } from "./lua/entities.ts";
import { LuaGateways } from "./lua/gateways.ts";
import { LuaServer } from "./lua/lua-server.ts";
import { Metrics } from "./metrics.ts";
import { createPlugin } from "./plugin.ts";
import { startScaler } from "./scaler.ts";
import { Traces } from "./traces.ts";
import { WaitingPage } from "./waiting-page.ts";

/** Serves the plugin to Kong, and health, metrics and demand over HTTP. Fails with SOCKET_UNAVAILABLE or PORT_UNAVAILABLE. */
export function start(environment: KongPluginEnvironment, log: Log): Promise<RunningService> {
  return new KongPluginService(environment, log).start();
}

/** The plugin, for a plugin server other than ours. */
export function createPluginModule(environment: KongPluginEnvironment, log: Log): PluginModule {
  return new KongPluginService(environment, log).plugin;
}

/** The plugin with everything behind it: one activator, one publisher and one set of metrics for all its instances. */
class KongPluginService {
  readonly plugin: PluginModule;
  readonly #environment: KongPluginEnvironment;
  readonly #log: Log;
  readonly #publisher: DaprPublisher;
  readonly #activator: Activator;
  readonly #metrics = new Metrics();
  readonly #traces: Traces;
  readonly #waitingPage: WaitingPage;
  #scaler: ScalerServer | undefined;
  #pods: BackendPods | undefined;

  /** Starts nothing yet. */
  constructor(environment: KongPluginEnvironment, log: Log) {
    this.#environment = environment;
    this.#log = log;
    const { daprEndpoint, DAPR_API_TOKEN: apiToken } = environment;
    const publisher = new DaprPublisher({
      endpoint: daprEndpoint,
      log,
      ...(apiToken !== undefined && { apiToken }),
    });
    this.#publisher = publisher;
    this.#traces = new Traces(log);
    this.#waitingPage = new WaitingPage(environment.WAITING_PAGE, log);
    this.#activator = new Activator(
      {
        publishWake: ({ backend, reason, ...message }) =>
          publisher.publish({ ...message, data: { backend, reason } }),
        probe,
        podsOf: (target) => this.#pods?.behind(target) ?? [],
        observe: (event) => {
          // First, since a cold start waits for it.
          if (event.event === "wake.started") this.#scaler?.wake(event.backend);
          this.#metrics.observe(event);
          this.#traces.observe(event);
          logActivatorEvent(log, event);
        },
      },
      { probesPerSecond: environment.PROBES_PER_SECOND },
    );
    this.#metrics.watch(() => this.#activator.backends);
    this.plugin = createPlugin(this.#entityParts);
  }

  async start(): Promise<RunningService> {
    const { KONG_SERVERLESS_SOCKET: socketPath, OPS_HOST, OPS_PORT } = this.#environment;
    const { SHUTDOWN_GRACE_SECONDS, SHUTDOWN_IDLE_MS } = this.#environment;
    const server = new PluginServer({ socketPath, plugin: this.plugin, log: this.#log });
    let isServing = false;
    const ops = new OpsServer({
      host: OPS_HOST,
      port: OPS_PORT,
      // Kong is started once this is ready, and answers 500 while the socket is missing.
      notReady: () => (server.stopping.aborted ? ["shutdown"] : isServing ? [] : ["socket"]),
      registry: this.#metrics.registry,
      routes: demandRoutes(this.#activator),
    });
    await this.#traces.start(this.#environment.traces);
    this.#waitingPage.start();
    const luaServer = this.#createLuaServer();
    const opsPort = await ops.start();
    this.#pods = await this.#followPods();
    this.#scaler = await startScaler(this.#environment, this.#activator, this.#log);
    // Last, so that Kong never finds a server that is half started.
    await luaServer.start();
    await server.start();
    isServing = true;
    this.#log.info({ socketPath, opsPort }, "service.started");
    return {
      stop: async () => {
        await this.#scaler?.stop();
        const limits = { graceMs: SHUTDOWN_GRACE_SECONDS * 1000, idleMs: SHUTDOWN_IDLE_MS };
        await Promise.all([server.stop(limits), luaServer.stop(limits)]);
        this.#waitingPage.stop();
        await this.#pods?.stop();
        await this.#publisher.stop();
        await this.#traces.stop();
        await ops.stop();
      },
    };
  }

  get #entityParts(): EntityParts {
    return {
      activator: this.#activator,
      metrics: this.#metrics,
      traces: this.#traces,
      waitingPage: this.#waitingPage,
      log: this.#log,
    };
  }

  /** Answers the Lua form of the plugin. */
  #createLuaServer(): LuaServer {
    const log = this.#log;
    const parts = this.#entityParts;
    const entities = new LuaEntities(parts);
    const gateways = new LuaGateways({ ...parts, entities });
    return new LuaServer({ socketPath: this.#environment.httpSocketPath, entities, gateways, log });
  }

  async #followPods(): Promise<BackendPods | undefined> {
    const { ENDPOINTSLICE_NAMESPACES: namespaces } = this.#environment;
    if (namespaces === undefined) return undefined;
    // Off by default, so its code is loaded only when needed.
    const { BackendPods } = await import("./backend-pods.ts");
    const pods = new BackendPods(namespaces, this.#environment, this.#log);
    this.#metrics.watchNamespaces(() => pods.watched);
    pods.start();
    return pods;
  }
}
