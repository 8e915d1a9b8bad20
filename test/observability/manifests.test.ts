import { readdirSync } from "node:fs";
import { join } from "node:path";

import { needs } from "@kong-serverless/testing";
import { describe, expect, test } from "vitest";

import {
  type MonitoringObject,
  readAlerts,
  readComponent,
  readDashboard,
  readMonitoringKustomization,
  readMonitoringObjects,
} from "./component.ts";
import { crdFolder, definitions, readCrdChecks } from "./crd-schemas.ts";

const kustomization = readMonitoringKustomization();
const manifests = kustomization.resources.flatMap(readComponent);
const monitoring = manifests.filter(({ apiVersion }) => apiVersion.startsWith("monitoring.coreos.com/"));

function find(list: readonly MonitoringObject[], kind: string): MonitoringObject {
  const found = list.find((one) => one.kind === kind);
  if (found === undefined) throw new Error(`there is no ${kind}`);
  return found;
}

test("the kustomization takes in every manifest of its folder", () => {
  const folder = join(import.meta.dirname, "../../deploy/components/observability");
  const there = readdirSync(folder).filter((file) => file.endsWith(".yaml") && file !== "kustomization.yaml");
  expect(kustomization.resources.toSorted()).toEqual(there.toSorted());
  expect(kustomization.configMapGenerator).toMatchObject([
    { files: ["kong-serverless.json=dashboard.json"] },
  ]);
});

test("the gateway's monitor selects the Service that deploy/base has, by a label and a port that it has", () => {
  const monitor = find(manifests, "ServiceMonitor");
  const service = find(readMonitoringObjects("deploy/base/gateway-demand.yaml"), "Service");
  expect(monitor.metadata.namespace).toBe(service.metadata.namespace);
  expect(service.spec.ports?.map(({ name }) => name)).toContain(monitor.spec.endpoints?.[0]?.port);
  const [patch] = kustomization.patches;
  expect(patch?.target).toEqual({ kind: "Service", name: service.metadata.name });
  for (const [label, value] of Object.entries(monitor.spec.selector?.matchLabels ?? {})) {
    expect(patch?.patch).toContain(`${label}: ${value}`);
  }
  // Prometheus takes the job's name from the Service's.
  const jobs = readAlerts().flatMap(({ expr }) => [...expr.matchAll(/job="(.*?)"/g)].map(([, job]) => job));
  expect(new Set(jobs)).toEqual(new Set([service.metadata.name]));
});

test.each(["deploy/base/consumer.yaml", "deploy/components/fair-jobs/bulk-consumer.yaml"])(
  "the consumers' monitor and network policy select the pods of %s, by labels and a port that they have",
  (file) => {
    const monitor = find(manifests, "PodMonitor");
    const deployment = find(readMonitoringObjects(file), "Deployment");
    const policy = manifests.find(({ metadata }) => metadata.name === "prometheus-to-consumer");
    expect(policy?.spec.podSelector).toEqual(monitor.spec.selector);
    expect(monitor.metadata.namespace).toBe(deployment.metadata.namespace);
    expect(deployment.spec.template?.metadata.labels).toMatchObject(monitor.spec.selector?.matchLabels ?? {});
    const ports = deployment.spec.template?.spec.containers.flatMap((container) =>
      container.ports.map(({ name }) => name),
    );
    expect(ports).toContain(monitor.spec.podMetricsEndpoints?.[0]?.port);
  },
);

test("every alert says how bad it is, what it found and where to read on", () => {
  for (const { alert, labels, annotations } of readAlerts()) {
    expect(alert).toMatch(/^Serverless[A-Z]\w+$/);
    expect(["page", "ticket"]).toContain(labels["severity"]);
    expect(annotations["summary"]).toMatch(/\.$/);
    expect(annotations["runbook"]).toMatch(/^docs\/operations\.md#/);
  }
});

test("the dashboard's panels are distinct and say what they show", () => {
  const { panels } = readDashboard();
  const titles = panels.map(({ title }) => title);
  expect(new Set(titles).size).toBe(titles.length);
  const graphs = panels.filter(({ targets }) => targets !== undefined);
  for (const { description } of graphs) expect(description).toMatch(/\.$/);
});

const folder = crdFolder("prometheus-operator");

describe("the Prometheus Operator's definitions", needs(definitions("prometheus-operator")), () => {
  const checks = folder === undefined ? undefined : readCrdChecks(folder);
  const faultsOf = (manifest: MonitoringObject) => {
    const check = checks?.get(`${manifest.apiVersion}/${manifest.kind}`);
    if (check === undefined) throw new Error(`there is no definition of ${manifest.kind}`);
    check(manifest);
    return check.errors ?? [];
  };

  test.each(monitoring.map((manifest): [string, MonitoringObject] => [manifest.kind, manifest]))(
    "accept the %s",
    (_kind, manifest) => {
      expect(faultsOf(manifest)).toEqual([]);
    },
  );

  test("refuse a field that they do not list", () => {
    const monitor = find(manifests, "ServiceMonitor");
    const endpoints = [{ port: "demand", intervall: "15s" }];
    expect(faultsOf({ ...monitor, spec: { ...monitor.spec, endpoints } })).not.toEqual([]);
  });
});
