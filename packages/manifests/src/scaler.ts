import type { Container } from "./container.ts";
import type { Manifest, Manifests } from "./manifests.ts";
import type { Place } from "./place.ts";
import { queueName, queueRegion } from "./queue.ts";
import { scaleTargetRef, type Workload } from "./workload.ts";

/** A ScaledObject joined with what it scales. */
export interface Scaler {
  readonly manifest: Manifest;
  /** The object that spec.scaleTargetRef names, of whatever kind; undefined where there is none. */
  readonly scaled: Manifest | undefined;
  /** The same as a workload; undefined also for a custom resource without a pod template. */
  readonly target: Workload | undefined;
  readonly pollingSeconds: number;
  readonly cooldownSeconds: number;
  readonly minReplicas: number;
  readonly maxReplicas: number;
  readonly queues: readonly QueueTrigger[];
  readonly demands: readonly DemandTrigger[];
  /** What keeps KEDA from scaling, an annotation mostly; undefined where there is none. */
  readonly paused: Place | undefined;
  /** What replaces the triggers' own numbers: `spec.advanced.scalingModifiers.formula`. */
  readonly formula: Place | undefined;
}

/** A trigger that watches a queue: `aws-sqs-queue` or `rabbitmq`. */
export interface QueueTrigger {
  readonly broker: "sqs" | "rabbitmq";
  readonly place: Place;
  /** The queue's name, also where the trigger has its URL; undefined where a variable has it that is not known. */
  readonly queue: string | undefined;
  /** Where the queue's name or URL stands. */
  readonly queuePlace: Place;
  readonly region: string | undefined;
  /** The region in the queue's URL. */
  readonly urlRegion: string | undefined;
  /** Messages for each replica, as far as it is given. */
  readonly length: Place;
  readonly activation: Place;
}

/** A `metrics-api` trigger on the plugin server's `/demand/{name}`. */
export interface DemandTrigger {
  readonly place: Place;
  readonly url: URL;
  readonly backend: string;
}

/** KEDA's own defaults: https://keda.sh/docs/latest/reference/scaledobject-spec/ */
export const kedaDefaults = {
  pollingSeconds: 30,
  cooldownSeconds: 300,
  initialCooldownSeconds: 0,
  minReplicas: 0,
  maxReplicas: 100,
  queueLength: 5,
  rabbitmqQueueLength: 20,
  stabilizationSeconds: 300,
} as const;

export function readScalers(manifests: Manifests, workloads: readonly Workload[]): Scaler[] {
  return manifests.of("ScaledObject").map((manifest) => {
    const spec = manifest.root.at("spec");
    const triggers = spec.at("triggers").items;
    const { kind, name } = scaleTargetRef(manifest);
    const scaled = manifests.find(kind, manifest.namespace, name);
    const target = workloads.find((workload) => workload.manifest === scaled);
    const container = environmentSource(target, spec.at("scaleTargetRef", "envSourceContainerName").text);
    const formula = spec.at("advanced", "scalingModifiers", "formula");
    return {
      manifest,
      scaled,
      target,
      pollingSeconds: spec.at("pollingInterval").number ?? kedaDefaults.pollingSeconds,
      cooldownSeconds: spec.at("cooldownPeriod").number ?? kedaDefaults.cooldownSeconds,
      minReplicas: spec.at("minReplicaCount").number ?? kedaDefaults.minReplicas,
      maxReplicas: spec.at("maxReplicaCount").number ?? kedaDefaults.maxReplicas,
      queues: triggers.flatMap((place) => readQueueTrigger(place, container) ?? []),
      demands: triggers.flatMap((place) => readDemandTrigger(place) ?? []),
      paused: pausedBy(manifest),
      formula: formula.exists ? formula : undefined,
    };
  });
}

/** https://keda.sh/docs/latest/concepts/scaling-deployments/#pausing-autoscaling */
function pausedBy({ root }: Manifest): Place | undefined {
  // In a cluster KEDA says what it makes of them.
  const paused = root
    .at("status", "conditions")
    .items.find((condition) => condition.at("type").text === "Paused");
  if (paused !== undefined) return paused.at("status").text === "True" ? paused : undefined;
  const annotations = root.at("metadata", "annotations");
  const replicas = annotations.at("autoscaling.keda.sh/paused-replicas");
  if (replicas.exists) return replicas;
  return ["paused", "paused-scale-in", "paused-scale-out"]
    .map((name) => annotations.at(`autoscaling.keda.sh/${name}`))
    .find((place) => place.exists && isSwitchedOn(place.scalar ?? ""));
}

/** As Go reads a switch; what is none counts as on. */
export function isSwitchedOn(text: string): boolean {
  return !["0", "f", "F", "false", "False", "FALSE"].includes(text);
}

/** The container whose variables a trigger's `...FromEnv` fields name. */
function environmentSource(target: Workload | undefined, name: string | undefined): Container | undefined {
  return target?.containers.find(({ place }) => name === undefined || place.at("name").text === name);
}

function readQueueTrigger(place: Place, container: Container | undefined): QueueTrigger | undefined {
  const metadata = place.at("metadata");
  const { text: type } = place.at("type");
  if (type !== "aws-sqs-queue" && type !== "rabbitmq") return undefined;
  const field = type === "rabbitmq" ? "queueName" : "queueURL";
  const fromEnv = metadata.at(`${field}FromEnv`);
  const isFromEnv = !metadata.at(field).exists && fromEnv.exists;
  const written = isFromEnv
    ? container?.environment.find(({ name }) => name === fromEnv.text)?.value
    : (metadata.at(field).scalar ?? "");
  const common = {
    place,
    queuePlace: isFromEnv ? fromEnv : metadata.at(field),
    queue: written === undefined ? undefined : queueName(written),
  };
  if (type === "rabbitmq") {
    return {
      ...common,
      broker: "rabbitmq",
      queue: written,
      region: undefined,
      urlRegion: undefined,
      length: metadata.at(metadata.at("value").exists ? "value" : "queueLength"),
      activation: metadata.at("activationValue"),
    };
  }
  return {
    ...common,
    broker: "sqs",
    region: metadata.at("awsRegion").text,
    urlRegion: written === undefined ? undefined : queueRegion(written),
    length: metadata.at("queueLength"),
    activation: metadata.at("activationQueueLength"),
  };
}

function readDemandTrigger(place: Place): DemandTrigger | undefined {
  const url = URL.parse(place.at("metadata", "url").text ?? "");
  if (place.at("type").text !== "metrics-api" || url === null) return undefined;
  const backend = /^\/demand\/([^/]+)\/?$/.exec(url.pathname)?.[1];
  return backend === undefined ? undefined : { place, url, backend };
}
