import { join } from "node:path";

import { isAlive } from "@kong-serverless/testing";
import { expect, it, onTestFinished } from "vitest";

import { Journal, type JournalEntry } from "../journal.ts";
import { kinds } from "../manifests/kinds.ts";
import { bundledApp } from "../processes/program.ts";
import { ReplicaSet, type ReplicaSetOptions } from "./replica-set.ts";

const appDeployment = kinds.Deployment.parse({
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata: { name: "app" },
  spec: {
    selector: { matchLabels: { app: "app" } },
    template: {
      metadata: { labels: { app: "app" } },
      spec: {
        containers: [
          {
            name: "app",
            image: "kong-serverless/app",
            ports: [{ name: "http", containerPort: 8080 }],
            readinessProbe: { httpGet: { path: "/healthz", port: "http" }, periodSeconds: 1 },
          },
        ],
      },
    },
  },
});
// Kubernetes has no shorter period, but these tests need not wait that long.
for (const { readinessProbe } of appDeployment.spec.template.spec.containers) {
  if (readinessProbe) readinessProbe.periodSeconds = 0.02;
}

function createReplicaSet(environmentFor?: ReplicaSetOptions["environmentFor"]) {
  const journal = new Journal();
  const entries: JournalEntry[] = [];
  journal.subscribe((entry) => entries.push(entry));
  const replicaSet = new ReplicaSet({
    deployment: appDeployment,
    program: bundledApp(join(import.meta.dirname, "fixtures/app.mjs")),
    environmentFor: environmentFor ?? ((_, ports) => ({ PORT: String(ports.get(8080)) })),
    journal,
  });
  onTestFinished(() => replicaSet.stop(0));
  const named = (name: string) => entries.filter(({ event }) => event === name);
  return {
    replicaSet,
    named,
    alive: () => named("process.started").filter(({ fields }) => isAlive(fields["pid"] as number)).length,
    hasReady: (pods: number) => expect.poll(() => replicaSet.readyPods).toBe(pods),
  };
}

async function askEach(replicaSet: ReplicaSet): Promise<string[]> {
  const endpoints = replicaSet.readyEndpoints("http");
  return Promise.all(
    endpoints.map(async ({ host, port }) => (await fetch(`http://${host}:${port}/`)).text()),
  );
}

it("starts empty, and runs as many pods as it is scaled to, each at its own address", async () => {
  const { replicaSet, hasReady } = createReplicaSet();
  expect([replicaSet.replicas, replicaSet.running, replicaSet.readyEndpoints(8080)]).toEqual([0, 0, []]);
  replicaSet.scaleTo(2);
  await hasReady(2);
  expect(new Set(await askEach(replicaSet)).size).toBe(2);
  replicaSet.scaleTo(1);
  expect(replicaSet.readyPods).toBe(1);
  await expect.poll(() => replicaSet.running).toBe(1);
});

it("ends pods that are not ready before those that are", async () => {
  const { replicaSet, hasReady } = createReplicaSet();
  replicaSet.scaleTo(2);
  await hasReady(2);
  const [first] = replicaSet.readyEndpoints("http");
  await fetch(`http://127.0.0.1:${first?.port}/unready`);
  await hasReady(1);
  const [ready] = await askEach(replicaSet);
  replicaSet.scaleTo(1);
  await expect.poll(() => replicaSet.running).toBe(1);
  expect(await askEach(replicaSet)).toEqual([ready]);
});

it("ends the youngest of the ready pods", async () => {
  const { replicaSet, hasReady } = createReplicaSet();
  replicaSet.scaleTo(1);
  await hasReady(1);
  const [oldest] = await askEach(replicaSet);
  replicaSet.scaleTo(2);
  await hasReady(2);
  replicaSet.scaleTo(1);
  await expect.poll(() => replicaSet.running).toBe(1);
  expect(await askEach(replicaSet)).toEqual([oldest]);
});

it("keeps the pod that runs when it is scaled up and down again before the others have started", async () => {
  const { replicaSet, hasReady, named } = createReplicaSet();
  replicaSet.scaleTo(1);
  await hasReady(1);
  replicaSet.scaleTo(3);
  replicaSet.scaleTo(1);
  await expect.poll(() => replicaSet.running).toBe(1);
  expect([replicaSet.readyPods, named("process.started").length]).toEqual([1, 1]);
});

it("scales from zero again while the last pod still terminates", async () => {
  const { replicaSet, hasReady, named } = createReplicaSet();
  replicaSet.scaleTo(1);
  await hasReady(1);
  replicaSet.scaleTo(0);
  replicaSet.scaleTo(1);
  await hasReady(1);
  expect(named("process.started")).toHaveLength(2);
  await expect.poll(() => replicaSet.running).toBe(1);
});

it("kills the process of one pod, which restarts, and names the pod, if there is one", async () => {
  const { replicaSet, hasReady, named } = createReplicaSet();
  expect(replicaSet.killOne()).toBeUndefined();
  replicaSet.scaleTo(1);
  await hasReady(1);
  const pod = replicaSet.killOne();
  await expect.poll(() => named("process.started")).toHaveLength(2);
  expect(named("container.exited")).toMatchObject([{ fields: { pod, signal: "SIGKILL" } }]);
  await hasReady(1);
});

it("leaves no process when it stops, whatever state its pods are in", async () => {
  const { replicaSet, hasReady, alive } = createReplicaSet();
  replicaSet.scaleTo(2);
  await hasReady(2);
  replicaSet.scaleTo(1);
  replicaSet.scaleTo(3);
  await replicaSet.stop(1_000);
  expect([replicaSet.running, alive()]).toEqual([0, 0]);
  replicaSet.scaleTo(1);
  expect(replicaSet.replicas).toBe(0);
});

it("reports a pod that cannot be started, and keeps running", async () => {
  const { replicaSet, named } = createReplicaSet(() => {
    throw new Error("no such ConfigMap");
  });
  replicaSet.scaleTo(1);
  await expect.poll(() => named("pod.start_failed")).toHaveLength(1);
  expect(named("pod.start_failed")[0]?.fields).toMatchObject({ target: "app", error: "no such ConfigMap" });
  expect(replicaSet.running).toBe(0);
});
