import type { Server } from "node:http";
import type { AddressInfo } from "node:net";

import { createAdaptorServer, type WebSocketServerLike } from "@hono/node-server";
import type { DemoBackendEnvironment } from "@kong-serverless/config";
import { DaprPublisher } from "@kong-serverless/dapr-publisher";
import { listen, type Log, type RunningService, sleep } from "@kong-serverless/runtime";
import { Hono } from "hono";

import { demoRoutes } from "./demo-routes.ts";
import { EchoSockets } from "./echo-sockets.ts";
import { type JobPublisher, jobRoutes } from "./job-routes.ts";
import { JobStore } from "./job-store.ts";
import { answerError, answerUnknownRoute } from "./problem.ts";
import { ReplicaReadiness } from "./replica-readiness.ts";
import { SidecarWatch } from "./sidecar-watch.ts";
import { stopServer } from "./stop-server.ts";
import { WorkBudget } from "./work-budget.ts";

/** A request may still come that was let pass by the probe just before. */
const lastRequestsMs = 250;

export interface DemoBackend extends RunningService {
  readonly port: number;
  /** Fails readiness at once, takes requests a moment longer, lets open ones end within the grace time, cuts the rest. */
  stop(): Promise<void>;
}

/**
 * Starts the demo's HTTP service: routes worth proxying, and jobs for the consumer. It listens right away and becomes ready once its
 * start-up time has passed. Readiness reports the sidecar but does not wait for it, since only jobs need it. Fails with
 * PORT_UNAVAILABLE.
 */
export async function start(
  settings: DemoBackendEnvironment,
  log: Log,
  publisher: JobPublisher & { stop(): Promise<void> } = createPublisher(settings, log),
): Promise<DemoBackend> {
  const readiness = new ReplicaReadiness(settings.STARTUP_DELAY_MS);
  const sidecar = new SidecarWatch({
    endpoint: settings.daprEndpoint,
    deadlineMs: settings.SIDECAR_WAIT_SECONDS * 1000,
    log,
  });
  const echo = new EchoSockets();
  const app = new Hono();
  app.get("/healthz", (c) => {
    const waitingFor = readiness.waitingFor();
    const isReady = waitingFor.length === 0;
    const status = isReady ? "ready" : "not ready";
    return c.json({ status, waitingFor, sidecar: sidecar.state }, isReady ? 200 : 503);
  });
  app.route("/", demoRoutes(settings.NEXT_URL));
  app.get("/ws", echo.handler);
  app.route(
    "/jobs",
    jobRoutes({
      publisher,
      store: new JobStore(),
      budget: new WorkBudget({
        workMs: settings.JOBS_WORK_SECONDS * 1000,
        promptMs: settings.JOBS_PROMPT_SECONDS * 1000,
      }),
      maxDurationMs: settings.MAX_JOB_SECONDS * 1000,
      log,
      gatewayUrl: settings.GATEWAY_URL,
      pubsub: settings.PUBSUB_NAME,
      topic: settings.JOBS_TOPIC,
      bulkTopic: settings.BULK_JOBS_TOPIC,
    }),
  );
  app.notFound(answerUnknownRoute);
  app.onError(answerError(log));
  const server = createAdaptorServer({
    fetch: app.fetch,
    // The two packages' types disagree about optional `undefined`.
    websocket: { server: echo.server as WebSocketServerLike },
    // Node would hand every `Upgrade` to the WebSocket side, even an offer of HTTP/2, which must be ignored.
    serverOptions: {
      shouldUpgradeCallback: (request) => request.headers.upgrade?.toLowerCase() === "websocket",
    },
  }) as Server;
  await listen(server, { host: settings.HOST, port: settings.PORT });
  const { port } = server.address() as AddressInfo;
  log.info({ port, pid: process.pid, startupDelayMs: settings.STARTUP_DELAY_MS }, "service.started");
  sidecar.start();
  return {
    port,
    async stop() {
      readiness.stop();
      sidecar.stop();
      await sleep(lastRequestsMs);
      echo.close();
      const connections = await stopServer(server, {
        graceMs: settings.SHUTDOWN_GRACE_SECONDS * 1000,
        cutUpgraded: () => echo.terminate(),
      });
      if (connections > 0) log.warn({ connections }, "connections.cut");
      await publisher.stop();
    },
  };
}

function createPublisher(settings: DemoBackendEnvironment, log: Log): DaprPublisher {
  return new DaprPublisher({
    endpoint: settings.daprEndpoint,
    timeoutMs: settings.PUBLISH_TIMEOUT_MS,
    log,
    ...(settings.DAPR_API_TOKEN !== undefined && { apiToken: settings.DAPR_API_TOKEN }),
  });
}
