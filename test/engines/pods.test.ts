import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { kustomize, needs } from "@kong-serverless/testing";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";

import { InClusterApiServer, ServicePods } from "../../packages/kubernetes-watch/src/index.ts";
import { RecordingLog } from "../../packages/testing/src/index.ts";
import { requireKustomize, renderAll } from "../deploy/rendering.ts";
import { ControlPlane } from "./control-plane.ts";
import { findEngines, realEngines } from "./engines.ts";

const engines = findEngines();
const command = requireKustomize();
const minutes = 60_000;
const namespace = "kong-serverless";
const url = `http://orders.${namespace}.svc:80/healthz`;

const service = {
  apiVersion: "v1",
  kind: "Service",
  metadata: { name: "orders", namespace },
  spec: { selector: { app: "orders" }, ports: [{ port: 80, targetPort: 8080 }] },
};
const pod = {
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name: "orders-1", namespace, labels: { app: "orders" } },
  spec: { containers: [{ name: "orders", image: "orders" }], nodeName: "node" },
};

const statusOf = (ready: "True" | "False") => ({
  status: {
    phase: "Running",
    podIP: "10.0.0.7",
    podIPs: [{ ip: "10.0.0.7" }],
    conditions: [{ type: "Ready", status: ready }],
  },
});

describe(
  "the pods behind a Service, on the real API server",
  { timeout: 2 * minutes, ...needs(realEngines(), kustomize()) },
  () => {
    const folder = mkdtempSync(join(tmpdir(), "engines-"));
    const account = join(folder, "account");
    let cluster: ControlPlane;
    let pods: ServicePods;
    const log = new RecordingLog();

    beforeAll(async () => {
      if (engines === undefined || command === undefined) return;
      cluster = await ControlPlane.start(engines, folder);
      for (const name of ["kong", namespace]) {
        await cluster.api.apply({ apiVersion: "v1", kind: "Namespace", metadata: { name } });
      }
      const component = renderAll(command).get("base with pod-probes") ?? [];
      const own = component.filter(({ metadata }) => metadata.name === "kong-serverless-endpoints");
      // A Secret's token is made only for an existing account.
      for (const object of own.toSorted((a, b) => b.kind.localeCompare(a.kind))) {
        await cluster.api.apply(object);
      }
      const { data } = await vi.waitUntil(
        async () => {
          const secret = await cluster.api.get("/api/v1/namespaces/kong/secrets/kong-serverless-endpoints");
          return (secret["data"] as { token?: string } | undefined)?.token === undefined ? undefined : secret;
        },
        { timeout: minutes / 2, interval: 100 },
      );
      mkdirSync(account);
      for (const name of ["token", "ca.crt"]) {
        writeFileSync(
          join(account, name),
          Buffer.from((data as Record<string, string>)[name] ?? "", "base64"),
        );
      }
    }, 5 * minutes);
    afterAll(async () => {
      await pods?.stop();
      await cluster?.stop();
      rmSync(folder, { recursive: true });
    }, minutes);

    test("are seen by the component's own account before they are ready, and until they end", async () => {
      const server = new InClusterApiServer({ url: cluster.url, folder: account });
      pods = new ServicePods({ server, namespaces: [namespace], log });
      pods.start();
      await vi.waitUntil(() => log.fieldsOf("endpoints.watched").length === 1, { timeout: minutes / 2 });
      await cluster.api.apply(service);
      // Pods of a missing node are left out of the endpoints.
      await cluster.api.apply({ apiVersion: "v1", kind: "Node", metadata: { name: "node" } });
      const path = await cluster.api.pathOf(pod);
      // Refused until the namespace's account has been made.
      await vi.waitFor(() => cluster.api.apply(pod), { timeout: minutes / 2, interval: 200 });
      const seen = (...addresses: object[]) =>
        vi.waitFor(() => expect(pods.addressesOf(url)).toEqual(addresses), { timeout: minutes / 2 });
      await cluster.api.patch(`${path}/status`, statusOf("False"));
      await seen({ host: "10.0.0.7", port: 8080 });
      await cluster.api.patch(`${path}/status`, statusOf("True"));
      await seen({ host: "10.0.0.7", port: 8080 });
      await cluster.api.delete(`${path}?gracePeriodSeconds=0`);
      await seen();
      expect(log.fieldsOf("endpoints.lost")).toEqual([]);
    });

    test("are all that the account may see", async () => {
      const server = new InClusterApiServer({ url: cluster.url, folder: account });
      const answerTo = async (path: string) =>
        (await server.open(path, AbortSignal.timeout(minutes / 2))).statusCode;
      const slices = "endpointslices";
      expect(await answerTo(`/apis/discovery.k8s.io/v1/namespaces/${namespace}/${slices}`)).toBe(200);
      expect(await answerTo(`/apis/discovery.k8s.io/v1/namespaces/kong/${slices}`)).toBe(403);
      expect(await answerTo(`/api/v1/namespaces/${namespace}/secrets`)).toBe(403);
      expect(await answerTo("/api/v1/namespaces/kong/secrets")).toBe(403);
    });
  },
);
