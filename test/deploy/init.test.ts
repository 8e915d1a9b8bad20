import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { kustomize, needs } from "@kong-serverless/testing";
import { afterAll, describe, expect, test } from "vitest";

import { crdFolder, readCrdChecks } from "../observability/crd-schemas.ts";
import { faultsOf, isKubernetes } from "./kubernetes-kinds.ts";
import { requireKustomize, render, root, titleOf } from "./rendering.ts";

const command = requireKustomize();
const crdFolders = ["keda", "dapr", "kong"].flatMap((name) => crdFolder(name) ?? []);
const checks = new Map(crdFolders.flatMap((folder) => Array.from(readCrdChecks(folder))));
/** Its definition is the Gateway API's, of which there is no copy. */
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

const run = (...argv: readonly string[]) =>
  execFileSync(process.execPath, [join(root, "apps/cli/bin/kong-serverless.js"), ...argv], {
    cwd: folder,
    encoding: "utf8",
    timeout: 60_000,
  });

/** Writes a folder, builds it together with the app as its user would, and gives what would be applied. */
function built(name: string, ...options: readonly string[]) {
  writeFileSync(join(folder, "app.yaml"), app);
  run("init", "--file", "app.yaml", "--out", name, "--json", ...options);
  const kustomization = `resources: [app.yaml, ${name}]\ncomponents: [${name}/workload]\n`;
  writeFileSync(join(folder, "kustomization.yaml"), kustomization);
  return render(command ?? [], folder);
}

describe("what init writes, built together with the service", needs(kustomize()), () => {
  test.each([
    ["sqs", "--broker", "sqs"],
    ["rabbitmq", "--broker", "rabbitmq"],
    ["none", "--broker", "none", "--host", "shop.example.com", "--path", "/checkout"],
    [
      "httproute",
      "--broker",
      "none",
      "--route",
      "httproute",
      "--gateway",
      "kong/kong",
      "--host",
      "*.example.com",
    ],
  ])(
    "is what Kubernetes, the definitions and the doctor want: %s",
    { timeout: 60_000 },
    (name, ...options) => {
      const objects = built(name, ...options);
      const file = join(folder, `${name}.json`);
      writeFileSync(file, JSON.stringify({ apiVersion: "v1", kind: "List", items: objects }));
      expect(JSON.parse(run("doctor", "--file", file, "--json"))).toMatchObject({ ok: true, findings: [] });
      expect(faultsOf(objects.filter(isKubernetes).map((object) => [titleOf(object), object]))).toEqual([]);
      const customs = objects.filter((object) => !isKubernetes(object) && !unchecked.has(object.kind));
      const faults = customs.flatMap((object) => {
        const check = checks.get(`${object.apiVersion}/${object.kind}`);
        check?.(object);
        return check?.errors ?? [];
      });
      expect(faults).toEqual([]);
      expect(
        crdFolders.length === 0 ||
          customs.every(({ apiVersion, kind }) => checks.has(`${apiVersion}/${kind}`)),
      ).toBe(true);
    },
  );

  test("of a worker is so too", { timeout: 60_000 }, () => {
    run("init", "worker", "--name", "resize", "--queue", "resize-jobs", "--json");
    const objects = render(command ?? [], join(folder, "resize/deploy"));
    expect(objects.map(({ kind }) => kind).sort()).toEqual([
      "Deployment",
      "ScaledObject",
      "ServiceAccount",
      "TriggerAuthentication",
    ]);
    expect(faultsOf(objects.filter(isKubernetes).map((object) => [titleOf(object), object]))).toEqual([]);
  });
});
