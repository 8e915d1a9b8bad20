import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { ScriptedApiServer, type ScriptedResource, ScriptedServer } from "@kong-serverless/testing";
import { afterEach, beforeEach, describe, expect, test } from "vitest";

import { runCli } from "../testing/run-cli.ts";
import type { Trace } from "./trace.ts";

const shop = "/namespaces/shop";
const deployments = `/apis/apps/v1${shop}/deployments`;
const pods = `/api/v1${shop}/pods`;
const events = `/api/v1${shop}/events`;
const slices = `/apis/discovery.k8s.io/v1${shop}/endpointslices`;
const podName = "orders-5d4f-abcde";

/** Holds its one request until it is told to answer. */
class HoldingGateway extends ScriptedServer {
  readonly asked = Promise.withResolvers<void>();
  readonly answers = Promise.withResolvers<Readonly<Record<string, string>>>();

  protected override async handle(...[, response]: Parameters<ScriptedServer["handle"]>): Promise<void> {
    this.asked.resolve();
    response.writeHead(200, await this.answers.promise).end();
  }
}

const deployment = (replicas: number): ScriptedResource => ({
  metadata: { name: "orders" },
  spec: { replicas, selector: { matchLabels: { app: "orders" } } },
});
const pod = (name: string, ...conditions: string[]): ScriptedResource => ({
  metadata: { name },
  status: { conditions: conditions.map((type) => ({ type, status: "True" })) },
});
let eventCount = 0;
const event = (reason: string, fieldPath = "", message = "", name = podName): ScriptedResource => ({
  metadata: { name: `event-${(eventCount += 1)}` },
  reason,
  message,
  involvedObject: { kind: "Pod", name, fieldPath },
});
const slice = (name: string, isReady: boolean): ScriptedResource => ({
  metadata: { name: "orders-1" },
  endpoints: [{ addresses: ["10.0.0.1"], conditions: { ready: isReady }, targetRef: { kind: "Pod", name } }],
});

let server: ScriptedApiServer;
let gateway: HoldingGateway;
let folder: string;
let kubeconfig: string;

beforeEach(async () => {
  server = await new ScriptedApiServer().start();
  gateway = await new HoldingGateway().start();
  folder = await mkdtemp(join(tmpdir(), "kubeconfig-"));
  kubeconfig = join(folder, "config.json");
  const config = {
    apiVersion: "v1",
    kind: "Config",
    clusters: [{ name: "c", cluster: { server: server.url, "insecure-skip-tls-verify": true } }],
    users: [{ name: "u", user: { token: server.token } }],
    contexts: [{ name: "stand-in", context: { cluster: "c", user: "u" } }],
  };
  await writeFile(kubeconfig, JSON.stringify(config));
  server.put(deployments, deployment(0));
});
afterEach(async () => {
  gateway.answers.resolve({});
  await gateway.stop();
  await server.stop();
  await rm(folder, { recursive: true });
});

const trace = (...options: string[]) =>
  runCli(
    ["trace", gateway.url, "--kubeconfig", kubeconfig, "--context", "stand-in"].concat(
      "--deployment",
      "shop/orders",
      options,
    ),
  );
const clusterOf = ({ stdout }: { stdout: string }) => (JSON.parse(stdout) as Trace).cluster ?? [];
const held = { "x-serverless-held-ms": "1" };

describe("a trace of a cold start on a cluster", () => {
  test("shows the stages of the pod that started, in the order in which they were seen", async () => {
    server.put(pods, pod("orders-5d4f-older", "PodScheduled", "Ready"));
    const tracing = trace("--json");
    await gateway.asked.promise;
    server.put(deployments, deployment(1));
    server.put(events, event("Started", "spec.containers{x}", "", "other-5d4f-abcde"));
    server.put(events, event("Started", "spec.containers{x}", "", "orders-two-5d4f-abcde"));
    server.put(pods, pod("orders-5d4f-older", "PodScheduled", "Ready"));
    server.put(pods, pod(podName));
    const said = [
      event("Scheduled"),
      event("Pulled", "spec.initContainers{daprd}", "Container image already present on machine"),
      event("Started", "spec.initContainers{daprd}"),
      event("Pulled", "spec.containers{orders}", 'Successfully pulled image "orders" in 1.2s'),
      event("Started", "spec.containers{orders}"),
    ];
    for (const each of said) server.put(events, each);
    server.put(pods, pod(podName, "PodScheduled", "PodReadyToStartContainers", "Ready"));
    server.put(slices, slice(podName, false));
    server.put(slices, slice(podName, true));
    // A round trip later, all of it has arrived.
    await fetch(server.url);
    gateway.answers.resolve(held);
    const stages = clusterOf(await tracing);
    expect(stages.map(({ stage }) => stage).toSorted()).toEqual(
      [
        "scaled 0 -> 1",
        "pod created",
        "scheduled",
        "sandbox",
        "sidecars and init containers started",
        "image pulled",
        "containers started",
        "ready for the kubelet",
        "endpoints",
        "released by the gateway",
      ].toSorted(),
    );
    expect(stages.map(({ atMs }) => atMs)).toEqual(stages.map(({ atMs }) => atMs).toSorted((a, b) => a - b));
    const sum = stages.reduce((total, { durationMs }) => total + durationMs, 0);
    expect(Math.abs(sum - (stages.at(-1)?.atMs ?? 0))).toBeLessThanOrEqual(stages.length);
  });

  test("waits for what Kubernetes notices only after the pod has answered", async () => {
    const tracing = trace();
    await gateway.asked.promise;
    server.put(deployments, deployment(1));
    server.put(pods, pod(podName));
    gateway.answers.resolve(held);
    setTimeout(() => {
      server.put(pods, pod(podName, "Ready"));
      server.put(slices, slice(podName, true));
    }, 100);
    const { stdout } = await tracing;
    expect(stdout).toMatch(
      /In the cluster, since the request was sent:[^]*released by the gateway[^]*(ready for the kubelet|endpoints)/,
    );
  });

  test("says that nothing started for a warm request", async () => {
    gateway.answers.resolve({});
    expect((await trace()).stdout).toContain("nothing started");
  });

  test("fails if it cannot watch, and says what is missing", async () => {
    await expect(trace("--deployment", "shop/none")).rejects.toThrow(
      "shop/none could not be read (status 404)",
    );
    await expect(runCli(["trace", gateway.url, "--context", "stand-in"])).rejects.toThrow("belong together");
  });
});
