import {
  ConfigError,
  type ConsumerEnvironment,
  type DemoBackendEnvironment,
  readConsumerEnvironment,
  readDemoBackendEnvironment,
} from "@kong-serverless/config";

import type { Place } from "../manifests/place.ts";
import type { Container, Workload } from "./workload.ts";

/** A container that runs an app of this project, with its environment as the app itself would read it. */
export interface App<Settings> {
  readonly workload: Workload;
  readonly container: Container;
  /** Undefined where the app would refuse to start. */
  readonly settings: Settings | undefined;
  readonly issues: readonly AppIssue[];
}

interface AppIssue {
  readonly place: Place;
  readonly message: string;
}

export interface Apps {
  readonly consumers: readonly App<ConsumerEnvironment>[];
  readonly demoBackends: readonly App<DemoBackendEnvironment>[];
}

export function readApps(workloads: readonly Workload[]): Apps {
  return {
    consumers: read(workloads, "consumer", readConsumerEnvironment),
    demoBackends: read(workloads, "demo-backend", readDemoBackendEnvironment),
  };
}

/** Where an app's variable stands; its whole environment where it is not set. */
export function variablePlace({ container }: Pick<App<unknown>, "container">, name: string): Place {
  return container.environment.find((variable) => variable.name === name)?.place ?? container.place.at("env");
}

function read<Settings>(
  workloads: readonly Workload[],
  app: string,
  readEnvironment: (environment: NodeJS.ProcessEnv) => Settings,
): App<Settings>[] {
  return workloads.flatMap((workload) =>
    workload.containers
      .filter((container) => container.app === app)
      .map((container) => readApp({ workload, container }, readEnvironment)),
  );
}

function readApp<Settings>(
  use: Pick<App<Settings>, "workload" | "container">,
  readEnvironment: (environment: NodeJS.ProcessEnv) => Settings,
): App<Settings> {
  try {
    return { ...use, issues: [], settings: readEnvironment(environmentOf(use.container)) };
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    const issues = error.issues.flatMap((issue) => toIssue(use.container, issue) ?? []);
    return { ...use, issues, settings: undefined };
  }
}

/** What only the cluster knows of a pod is taken for good: an address is one. */
function environmentOf({ environment }: Container): NodeJS.ProcessEnv {
  return Object.fromEntries(
    environment.flatMap(({ name, value, place }) => {
      if (value !== undefined) return [[name, value]];
      return place.at("valueFrom", "fieldRef").exists ? [[name, "127.0.0.1"]] : [];
    }),
  );
}

/** A variable from a Secret cannot be judged: nothing is said about it. */
function toIssue(container: Container, issue: string): AppIssue | undefined {
  const [name = ""] = issue.split(":");
  const place = variablePlace({ container }, name);
  return place.at("valueFrom", "secretKeyRef").exists ? undefined : { place, message: issue };
}
