import type { Server } from "node:http";
import type { AddressInfo } from "node:net";

import { createAdaptorServer, type WebSocketServerLike } from "@hono/node-server";
import type { DemoBackendEnvironment } from "@kong-serverless/config";
import { listen, type Log } from "@kong-serverless/runtime";
import { Hono } from "hono";

import { demoRoutes } from "./demo-routes.ts";
import { EchoSockets } from "./echo-sockets.ts";
import { type JobPublisher, jobRoutes } from "./job-routes.ts";
import { JobStore } from "./job-store.ts";
import { answerError, answerUnknownRoute } from "./problem.ts";
import { Readiness } from "./readiness.ts";
import { SidecarWatch } from "./sidecar-watch.ts";
import { stopServer } from "./stop-server.ts";
import { WorkBudget } from "./work-budget.ts";

export interface DemoBackendOptions {
  readonly settings: DemoBackendEnvironment;
  readonly publisher: JobPublisher & { stop(): Promise<void> };
  readonly log: Log;
}

/**
 * The demo's HTTP service: routes worth proxying, and jobs that it hands to the consumer. It listens before it is ready, and
 * is ready when its start-up time has passed: the sidecar, which only jobs need, is shown in readiness but delays it not.
 */
export class DemoBackend {
  readonly #settings: DemoBackendEnvironment;
  readonly #publisher: DemoBackendOptions["publisher"];
  readonly #log: Log;
  readonly #readiness: Readiness;
  readonly #sidecar: SidecarWatch;
  readonly #echo = new EchoSockets();
  readonly #server: Server;

  constructor({ settings, publisher, log }: DemoBackendOptions) {
    this.#settings = settings;
    this.#publisher = publisher;
    this.#log = log;
    this.#readiness = new Readiness(settings.STARTUP_DELAY_MS);
    this.#sidecar = new SidecarWatch({
      endpoint: settings.daprEndpoint,
      deadlineMs: settings.SIDECAR_WAIT_SECONDS * 1000,
      log,
    });
    this.#server = createAdaptorServer({
      fetch: this.#routes().fetch,
      // The two packages' types differ in what `undefined` may be.
      websocket: { server: this.#echo.server as WebSocketServerLike },
      // Node would hand every `Upgrade` to the WebSocket side, also a client's offer of HTTP/2; that one is to be ignored.
      serverOptions: {
        shouldUpgradeCallback: (request) => request.headers.upgrade?.toLowerCase() === "websocket",
      },
    }) as Server;
  }

  /** Resolves with the port it listens on. Fails with PORT_UNAVAILABLE. */
  async start(): Promise<number> {
    const { HOST, PORT, STARTUP_DELAY_MS } = this.#settings;
    await listen(this.#server, { host: HOST, port: PORT });
    const { port } = this.#server.address() as AddressInfo;
    this.#log.info({ port, pid: process.pid, startupDelayMs: STARTUP_DELAY_MS }, "service.started");
    this.#sidecar.start();
    return port;
  }

  /** Fails readiness at once, lets open requests end within the grace time, frees the rest. */
  async stop(): Promise<void> {
    this.#readiness.stop();
    this.#sidecar.stop();
    this.#echo.close();
    const connections = await stopServer(this.#server, {
      graceMs: this.#settings.SHUTDOWN_GRACE_SECONDS * 1000,
      cutUpgraded: () => this.#echo.terminate(),
    });
    if (connections > 0) this.#log.warn({ connections }, "connections.cut");
    await this.#publisher.stop();
  }

  #routes(): Hono {
    const { GATEWAY_URL, PUBSUB_NAME, JOBS_TOPIC, MAX_JOB_SECONDS, JOBS_WORK_SECONDS, NEXT_URL } =
      this.#settings;
    const app = new Hono();
    app.get("/healthz", (c) => {
      const waitingFor = this.#readiness.waitingFor();
      const isReady = waitingFor.length === 0;
      const status = isReady ? "ready" : "not ready";
      return c.json({ status, waitingFor, sidecar: this.#sidecar.state }, isReady ? 200 : 503);
    });
    app.route("/", demoRoutes(NEXT_URL));
    app.get("/ws", this.#echo.handler);
    app.route(
      "/jobs",
      jobRoutes({
        publisher: this.#publisher,
        store: new JobStore(),
        budget: new WorkBudget({ workMs: JOBS_WORK_SECONDS * 1000 }),
        maxDurationMs: MAX_JOB_SECONDS * 1000,
        log: this.#log,
        gatewayUrl: GATEWAY_URL,
        pubsub: PUBSUB_NAME,
        topic: JOBS_TOPIC,
      }),
    );
    app.notFound(answerUnknownRoute);
    app.onError(answerError(this.#log));
    return app;
  }
}
