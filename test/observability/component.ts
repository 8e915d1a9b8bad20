import { readFileSync } from "node:fs";
import { join } from "node:path";

import { parseAllDocuments } from "yaml";

const root = join(import.meta.dirname, "../..");
const component = "deploy/components/observability";

interface Dashboard {
  readonly templating: { readonly list: readonly { readonly query: string | { readonly query: string } }[] };
  readonly panels: readonly {
    readonly title: string;
    readonly description?: string;
    readonly targets?: readonly { readonly expr: string }[];
  }[];
}

export interface Alert {
  readonly alert: string;
  readonly expr: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

/** A manifest as far as these tests look into it. */
export interface MonitoringObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
  readonly spec: {
    readonly selector?: { readonly matchLabels: Readonly<Record<string, string>> };
    readonly podSelector?: { readonly matchLabels: Readonly<Record<string, string>> };
    readonly endpoints?: readonly Port[];
    readonly podMetricsEndpoints?: readonly Port[];
    readonly ports?: readonly { readonly name: string }[];
    readonly template?: {
      readonly metadata: { readonly labels: Readonly<Record<string, string>> };
      readonly spec: {
        readonly containers: readonly { readonly ports: readonly { readonly name: string }[] }[];
      };
    };
    readonly groups?: readonly { readonly rules: readonly Alert[] }[];
  };
}

interface Port {
  readonly port: string;
}

interface Kustomization {
  readonly resources: readonly string[];
  readonly patches: readonly { readonly target: object; readonly patch: string }[];
  readonly configMapGenerator: readonly object[];
}

export function readMonitoringObjects(path: string): MonitoringObject[] {
  return readDocuments(path) as MonitoringObject[];
}

export function readMonitoringKustomization(): Kustomization {
  return readDocuments(join(component, "kustomization.yaml"))[0] as Kustomization;
}

export function readComponent(file: string): MonitoringObject[] {
  return readMonitoringObjects(join(component, file));
}

export function readDashboard(): Dashboard {
  return JSON.parse(readFileSync(join(root, component, "dashboard.json"), "utf8")) as Dashboard;
}

export function readAlerts(): Alert[] {
  return readComponent("alerts.yaml").flatMap(({ spec }) => spec.groups?.flatMap(({ rules }) => rules) ?? []);
}

/** Every query of dashboard and alerts by the name of what asks it. Grafana's own variables are given values. */
export function readQueries(): [name: string, query: string][] {
  const panels = readDashboard().panels.flatMap(({ title, targets = [] }) =>
    targets.map(({ expr }): [string, string] => [
      `panel ${title}`,
      expr.replaceAll("$__rate_interval", "5m"),
    ]),
  );
  return [...panels, ...readAlerts().map(({ alert, expr }): [string, string] => [`alert ${alert}`, expr])];
}

function readDocuments(path: string): unknown[] {
  return parseAllDocuments(readFileSync(join(root, path), "utf8")).map((document) => document.toJS());
}
