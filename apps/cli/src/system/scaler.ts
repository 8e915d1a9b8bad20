import type { Manifest, Manifests } from "../manifests/manifests.ts";
import type { Place } from "../manifests/place.ts";
import type { Workload } from "./workload.ts";

/** A ScaledObject joined with what it scales. */
export interface Scaler {
  readonly manifest: Manifest;
  /** Undefined where spec.scaleTargetRef leads nowhere. */
  readonly target: Workload | undefined;
  readonly pollingSeconds: number;
  readonly cooldownSeconds: number;
  readonly queues: readonly QueueTrigger[];
  readonly demands: readonly DemandTrigger[];
}

/** A trigger that watches a queue: `aws-sqs-queue` or `rabbitmq`. */
export interface QueueTrigger {
  readonly broker: "sqs" | "rabbitmq";
  readonly place: Place;
  /** The queue's name, also where the trigger has its URL. */
  readonly queue: string;
  readonly region: string | undefined;
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
const defaultPollingSeconds = 30;
const defaultCooldownSeconds = 300;

export function readScalers(manifests: Manifests, workloads: readonly Workload[]): Scaler[] {
  return manifests.of("ScaledObject").map((manifest) => {
    const spec = manifest.root.at("spec");
    const triggers = spec.at("triggers").items;
    const { text: kind = "Deployment" } = spec.at("scaleTargetRef", "kind");
    return {
      manifest,
      target: workloads.find(
        ({ manifest: { kind: found, namespace, name } }) =>
          found === kind &&
          namespace === manifest.namespace &&
          name === spec.at("scaleTargetRef", "name").text,
      ),
      pollingSeconds: spec.at("pollingInterval").number ?? defaultPollingSeconds,
      cooldownSeconds: spec.at("cooldownPeriod").number ?? defaultCooldownSeconds,
      queues: triggers.flatMap((place) => readQueueTrigger(place) ?? []),
      demands: triggers.flatMap((place) => readDemandTrigger(place) ?? []),
    };
  });
}

function readQueueTrigger(place: Place): QueueTrigger | undefined {
  const metadata = place.at("metadata");
  const { text: type } = place.at("type");
  if (type === "aws-sqs-queue") {
    return {
      broker: "sqs",
      place,
      queue: lastSegment(metadata.at("queueURL").text ?? ""),
      region: metadata.at("awsRegion").text,
      length: metadata.at("queueLength"),
      activation: metadata.at("activationQueueLength"),
    };
  }
  if (type !== "rabbitmq") return undefined;
  return {
    broker: "rabbitmq",
    place,
    queue: metadata.at("queueName").text ?? "",
    region: undefined,
    length: metadata.at(metadata.at("value").exists ? "value" : "queueLength"),
    activation: metadata.at("activationValue"),
  };
}

function readDemandTrigger(place: Place): DemandTrigger | undefined {
  const text = place.at("metadata", "url").text ?? "";
  if (place.at("type").text !== "metrics-api" || !URL.canParse(text)) return undefined;
  const url = new URL(text);
  const backend = /^\/demand\/([^/]+)$/.exec(url.pathname)?.[1];
  return backend === undefined ? undefined : { place, url, backend };
}

function lastSegment(url: string): string {
  return url.slice(url.lastIndexOf("/") + 1);
}
