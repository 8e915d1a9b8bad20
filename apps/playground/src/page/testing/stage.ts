import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";

import { listen } from "@kong-serverless/runtime";
import { onTestFinished } from "vitest";
import { WebSocketServer } from "ws";

import { ColdStarts } from "../../cold-starts.ts";
import { Journal } from "../../journal.ts";
import type { Cluster } from "../../manifests/cluster.ts";
import { TargetNames } from "../../target-names.ts";
import { Page } from "../page.ts";
import type { PlaygroundView } from "../playground-view.ts";

function clusterOf(backend: string, worker: string): Cluster {
  return {
    scaleTargets: [
      { name: backend, backend: { name: backend }, deployment: deploymentOf(backend) },
      { name: worker, deployment: deploymentOf(worker) },
    ],
    services: [{ metadata: { name: backend }, spec: { selector: { app: backend } } }],
  } as unknown as Cluster;
}

function deploymentOf(app: string) {
  return { spec: { template: { metadata: { labels: { app } } } } };
}

/**
 * A page for a playground that does nothing by itself: it records what the page asks for, and the test decides what
 * happens.
 */
export async function openStage({ port = 0, socketMs = 200, backend = "web", worker = "worker" } = {}) {
  const cluster = clusterOf(backend, worker);
  const gateway = await startGateway();
  const pluginServer = await startPluginServer();
  const journal = new Journal();
  const world = { replicas: 0, pods: 0, killed: 0, isSidecarRunning: true };
  const view: PlaygroundView = {
    gatewayUrl: gateway.url,
    journal,
    opsPort: () => pluginServer.port,
    sidecar: {
      description: "a fake",
      get isRunning() {
        return world.isSidecarRunning;
      },
      turnOn: async () => void (world.isSidecarRunning = true),
      turnOff: async () => void (world.isSidecarRunning = false),
    },
    targets: [backend, worker].map((name) => ({
      name,
      backend: name === backend ? name : undefined,
      replicaSet: {
        get replicas() {
          return name === backend ? world.replicas : 0;
        },
        get readyPods() {
          return name === backend ? world.pods : 0;
        },
        get running() {
          return name === backend ? world.pods : 0;
        },
        killOne() {
          if (name !== backend || world.pods === 0) return undefined;
          world.killed += 1;
          return `${backend}-1`;
        },
      },
    })),
  };
  const page = await Page.start({
    port,
    view,
    targetNames: new TargetNames(cluster),
    coldStarts: new ColdStarts(cluster, journal),
    startCommand: "npx -y pnpm demo",
    socketMs,
  });
  onTestFinished(() => page.stop());
  return { page, journal, world, gateway, pluginServer };
}

/** Answers every request 200, and echoes WebSocket messages. */
async function startGateway() {
  const requests: { readonly method: string; readonly path: string; readonly body: string }[] = [];
  const behaviour = { status: 200, isSilent: false };
  const server = createServer((request, response) => {
    void readBody(request).then((body) => {
      requests.push({ method: request.method ?? "", path: request.url ?? "", body });
      if (!behaviour.isSilent) response.writeHead(behaviour.status).end();
    });
  });
  const sockets = new WebSocketServer({ server });
  sockets.on("connection", (socket) => socket.on("message", (data) => socket.send(data)));
  await listen(server, { host: "127.0.0.1", port: 0 });
  onTestFinished(() => {
    for (const socket of sockets.clients) socket.terminate();
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, requests, behaviour };
}

async function readBody(request: IncomingMessage): Promise<string> {
  let body = "";
  for await (const chunk of request) body += String(chunk);
  return body;
}

/** Serves metrics with one lease. */
async function startPluginServer() {
  const state = { port: 0, asked: 0, leaseSeconds: 0 };
  const server = createServer((_, response) => {
    state.asked += 1;
    response.end(`serverless_ready_lease_seconds{backend="web"} ${state.leaseSeconds}\n`);
  });
  await listen(server, { host: "127.0.0.1", port: 0 });
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  state.port = (server.address() as AddressInfo).port;
  return state;
}
