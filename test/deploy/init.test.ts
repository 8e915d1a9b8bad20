import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { kustomize, needs } from "@kong-serverless/testing";
import { afterAll, describe, expect, test } from "vitest";

import { crdFolder, readCrdChecks } from "../observability/crd-schemas.ts";
import { typeFaultsOf, isKubernetes } from "./kubernetes-kinds.ts";
import { type KubernetesObject, requireKustomize, render, root, titleOf } from "./rendering.ts";

const command = requireKustomize();
const crdFolders = ["keda", "dapr", "kong"].flatMap((name) => crdFolder(name) ?? []);
const checks = new Map(crdFolders.flatMap((folder) => Array.from(readCrdChecks(folder))));
/** Defined by the Gateway API, of which there is no copy. */
const unchecked = new Set(["HTTPRoute"]);

const folder = mkdtempSync(join(tmpdir(), "init-"));
afterAll(() => rmSync(folder, { recursive: true }));

const app = `apiVersion: apps/v1
kind: Deployment
metadata: {name: checkout, namespace: shop}
spec:
  replicas: 2
  selector: {matchLabels: {app: checkout}}
  template:
    metadata: {labels: {app: checkout}}
    spec:
      containers:
        - name: web
          image: checkout
          ports: [{name: http, containerPort: 3000}]
          readinessProbe: {httpGet: {path: /ready, port: http}}
---
apiVersion: v1
kind: Service
metadata: {name: checkout, namespace: shop}
spec: {selector: {app: checkout}, ports: [{port: 80, targetPort: http}]}
`;

const closed = `apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: closed, namespace: shop}
spec: {podSelector: {}, policyTypes: [Ingress]}
`;
const ingress = `apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: shop, namespace: shop}
spec: {ingressClassName: kong, defaultBackend: {service: {name: checkout, port: {number: 80}}}}
`;

const run = (...argv: readonly string[]) =>
  execFileSync(process.execPath, [join(root, "apps/cli/bin/kong-serverless.js"), ...argv], {
    cwd: folder,
    encoding: "utf8",
    timeout: 60_000,
  });

/** Writes a folder, builds it together with the app as its user would, and returns what would be applied. */
function built(name: string, ...options: readonly string[]) {
  writeFileSync(join(folder, "app.yaml"), app);
  run("init", "--file", "app.yaml", "--out", name, "--json", ...options);
  return renderWith(name);
}

function renderWith(name: string) {
  const kustomization = `resources: [app.yaml, ${name}]\ncomponents: [${name}/workload]\n`;
  writeFileSync(join(folder, "kustomization.yaml"), kustomization);
  return render(command ?? [], folder);
}

/** Neither Kubernetes nor the custom resource definitions nor the doctor find anything wrong with it. */
function expectFine(objects: readonly KubernetesObject[]): void {
  const file = join(folder, "rendered.json");
  writeFileSync(file, JSON.stringify({ apiVersion: "v1", kind: "List", items: objects }));
  expect(JSON.parse(run("doctor", "--file", file, "--json"))).toMatchObject({ ok: true, findings: [] });
  expect(typeFaultsOf(objects.filter(isKubernetes).map((object) => [titleOf(object), object]))).toEqual([]);
  const customs = objects.filter((object) => !isKubernetes(object) && !unchecked.has(object.kind));
  const faults = customs.flatMap((object) => {
    const check = checks.get(`${object.apiVersion}/${object.kind}`);
    check?.(object);
    return check?.errors ?? [];
  });
  expect(faults).toEqual([]);
  const isKnown = customs.every(({ apiVersion, kind }) => checks.has(`${apiVersion}/${kind}`));
  expect(crdFolders.length === 0 || isKnown).toBe(true);
}

describe("what init writes, built together with the service", needs(kustomize()), () => {
  const brokers = ["sqs", "rabbitmq", "none"];
  const routes = ["ingress", "httproute"];
  test.each(brokers.flatMap((broker) => routes.map((route) => [broker, route] as const)))(
    "is accepted by Kubernetes, the definitions and the doctor: %s with %s",
    { timeout: 60_000 },
    (broker, route) => {
      const options = [
        "--broker",
        broker,
        "--route",
        route,
        "--host",
        "*.example.com",
        "--path",
        "/checkout",
      ];
      const objects = built(`${broker}-${route}`, ...options, "--gateway", "kong/kong");
      const kinds = objects.map(({ kind }) => kind);
      expect(kinds).toContain(route === "ingress" ? "Ingress" : "HTTPRoute");
      expect(kinds.includes("Component")).toBe(broker !== "none");
      expect(kinds.includes("TriggerAuthentication")).toBe(broker !== "none");
      expectFine(objects);
    },
  );

  test(
    "is also fine for every host and path, with a NetworkPolicy that blocks the gateway, and for an existing route",
    {
      timeout: 60_000,
    },
    () => {
      expectFine(built("every-host", "--broker", "none"));
      writeFileSync(join(folder, "app.yaml"), `${app}---\n${closed}---\n${ingress}`);
      run("init", "--file", "app.yaml", "--out", "closed", "--json", "--broker", "none");
      const objects = renderWith("closed");
      expect(objects.filter(({ kind }) => kind === "NetworkPolicy")).toHaveLength(2);
      expect(objects.filter(({ kind }) => kind === "Ingress")).toHaveLength(1);
      expectFine(objects);
    },
  );

  test("gives the workload its replicas back when the ScaledObject is deleted", { timeout: 60_000 }, () => {
    const scaledObjects = built("undone", "--broker", "none").filter(({ kind }) => kind === "ScaledObject");
    expect(scaledObjects).toMatchObject([{ spec: { advanced: { restoreToOriginalReplicaCount: true } } }]);
  });

  test("is also accepted for a worker", { timeout: 60_000 }, () => {
    run("init", "worker", "--name", "resize", "--queue", "resize-jobs", "--json");
    const objects = render(command ?? [], join(folder, "resize/deploy"));
    expect(objects.map(({ kind }) => kind).sort()).toEqual([
      "Deployment",
      "ScaledObject",
      "ServiceAccount",
      "TriggerAuthentication",
    ]);
    expectFine(objects);
  });
});
