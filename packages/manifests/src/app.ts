import {
  ConfigError,
  type ConsumerEnvironment,
  consumerEnvironmentSchema,
  type DemoBackendEnvironment,
  demoBackendEnvironmentSchema,
  readConsumerEnvironment,
  readDemoBackendEnvironment,
} from "@kong-serverless/config";

import type { Container } from "./container.ts";
import type { Place } from "./place.ts";
import { queueName, queueRegion } from "./queue.ts";
import type { Workload } from "./workload.ts";

/** A container that runs an app of this project, with its environment as the app itself would read it. */
export interface App<Settings> {
  readonly workload: Workload;
  readonly container: Container;
  /** Undefined where the app would refuse to start, or where that cannot be known. */
  readonly settings: Settings | undefined;
  readonly issues: readonly AppIssue[];
  /** Why the app cannot be judged, one line a variable. */
  readonly unknown: readonly string[];
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
    consumers: read(workloads, "consumer", {
      names: Object.keys(consumerEnvironmentSchema.shape),
      readEnvironment: readConsumerEnvironment,
    }),
    demoBackends: read(workloads, "demo-backend", {
      names: Object.keys(demoBackendEnvironmentSchema.shape),
      readEnvironment: readDemoBackendEnvironment,
    }),
  };
}

/** Where an app's variable stands; its whole environment where it is not set. */
export function variablePlace({ container }: Pick<App<unknown>, "container">, name: string): Place {
  return container.environment.find((variable) => variable.name === name)?.place ?? container.place.at("env");
}

/** The queue that a consumer works on; undefined where its environment does not tell. */
export function consumerQueue(
  app: App<ConsumerEnvironment>,
): { readonly name: string; readonly place: Place; readonly urlRegion: string | undefined } | undefined {
  if (app.settings === undefined) return undefined;
  const { QUEUE_URL: url, QUEUE_NAME: name = "" } = app.settings;
  // The URL wins over the name, as it does in the app.
  return url === undefined
    ? { name, place: variablePlace(app, "QUEUE_NAME"), urlRegion: undefined }
    : { name: queueName(url), place: variablePlace(app, "QUEUE_URL"), urlRegion: queueRegion(url) };
}

/** The queue of anybody's worker that is named as `init worker` names it; undefined where it may be another. */
export function workerQueue({
  environment,
}: Container): { readonly name: string; readonly place: Place } | undefined {
  const named = environment.find(({ name }) => name === "QUEUE_NAME");
  // Its URL would win, as it does in ours.
  const hasUrl = environment.some(({ name }) => name === "QUEUE_URL");
  if (named?.value === undefined || hasUrl) return undefined;
  return { name: named.value, place: named.place };
}

/** The topics that a demo backend publishes jobs to, by the variables that name them. */
export function jobTopics({
  JOBS_TOPIC,
  BULK_JOBS_TOPIC,
}: DemoBackendEnvironment): { readonly variable: string; readonly topic: string }[] {
  const prompt = { variable: "JOBS_TOPIC", topic: JOBS_TOPIC };
  return BULK_JOBS_TOPIC === undefined
    ? [prompt]
    : [prompt, { variable: "BULK_JOBS_TOPIC", topic: BULK_JOBS_TOPIC }];
}

interface AppKind<Settings> {
  /** The variables that it reads. */
  readonly names: readonly string[];
  readonly readEnvironment: (environment: NodeJS.ProcessEnv) => Settings;
}

function read<Settings>(
  workloads: readonly Workload[],
  app: string,
  kind: AppKind<Settings>,
): App<Settings>[] {
  return workloads.flatMap((workload) =>
    workload.containers
      .filter((container) => isApp(container, app, kind.names))
      .map((container) => readApp({ workload, container }, kind.readEnvironment)),
  );
}

/**
 * Whether the container's image is the app's, whatever registry it comes from. `consumer` is a name that others have too: under
 * another owner's name it counts if it is given variables that the app reads.
 */
function isApp({ image, environment }: Container, app: string, names: readonly string[]): boolean {
  const path = image.replace(/@.*$/, "").replace(/:[^/]*$/, "");
  if (new RegExp(`(?:^|/)kong-serverless[/-]${app}$`).test(path)) return true;
  const known = environment.filter(({ name }) => names.includes(name));
  return path.replace(/^.*\//, "") === app && known.length > 1;
}

function readApp<Settings>(
  use: Pick<App<Settings>, "workload" | "container">,
  readEnvironment: (environment: NodeJS.ProcessEnv) => Settings,
): App<Settings> {
  try {
    return { ...use, issues: [], unknown: [], settings: readEnvironment(environmentOf(use.container)) };
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    const judged = error.issues.map((issue) => judge(use.container, issue));
    return {
      ...use,
      issues: judged.flatMap(({ issue }) => issue ?? []),
      unknown: judged.flatMap(({ unknown }) => unknown ?? []),
      settings: undefined,
    };
  }
}

/** What only the cluster knows of a pod is taken for good: an address is one. */
function environmentOf({ environment }: Container): NodeJS.ProcessEnv {
  return Object.fromEntries(
    environment.flatMap(({ name, value, source }) => {
      if (value !== undefined) return [[name, value]];
      return source === "pod" ? [[name, "127.0.0.1"]] : [];
    }),
  );
}

/** A variable whose value is not in the manifests cannot be judged, nor can one be missed that a ConfigMap or Secret may bring. */
function judge(container: Container, message: string): { issue?: AppIssue; unknown?: string } {
  const [name = ""] = message.split(":");
  const variable = container.environment.find((candidate) => candidate.name === name);
  const source = variable?.source ?? "";
  if (variable?.value === undefined && ["ConfigMap", "Secret"].includes(source)) {
    return { unknown: `${name} is in a ${source}` };
  }
  if (variable === undefined && container.hasMore) {
    return { unknown: `${name} may be in a ConfigMap or Secret that is not among the manifests` };
  }
  return { issue: { place: variablePlace({ container }, name), message } };
}
