import { title } from "../../manifests/manifests.ts";
import type { Place } from "../../manifests/place.ts";
import { variablePlace } from "../../system/app.ts";
import { consumerQueue } from "../../system/consumer-queue.ts";
import type { Pubsub } from "../../system/pubsub.ts";
import type { QueueTrigger, Scaler } from "../../system/scaler.ts";
import { findPubsub, type System, wakePubsub, wakeWatches } from "../../system/system.ts";
import { type Finding, finding } from "../finding.ts";

/** Somebody who sends to, watches or receives from a queue, and where it takes the queue to be. */
interface Party {
  readonly title: string;
  readonly region: string | undefined;
  /** Address of another queue service than AWS. */
  readonly endpoint: string | undefined;
  readonly place: Place;
}

/** All who have to do with one queue look for it in one region of one service. */
export function* queuesAreInOnePlace(system: System): Generator<Finding> {
  for (const [first, ...others] of [...wakeParties(system), ...jobParties(system)]) {
    for (const other of others) {
      if (first === undefined) break;
      if (first.region !== other.region) {
        const what = `${other.title} is in ${other.region ?? "no region"}, ${first.title} in ${first.region ?? "no region"}`;
        yield finding("REGION_MISMATCH", other.place, what);
      }
      if (first.endpoint !== other.endpoint) {
        const what = `${other.title} talks to ${other.endpoint ?? "AWS"}, ${first.title} to ${first.endpoint ?? "AWS"}`;
        yield finding("ENDPOINT_MISMATCH", other.place, what);
      }
    }
  }
}

function wakeParties(system: System): Party[][] {
  return system.backends.map((backend) => [
    ...senders(wakePubsub(system, backend)),
    ...wakeWatches(system, backend).flatMap(({ scaler, trigger }) => watcher(scaler, trigger)),
  ]);
}

function jobParties(system: System): Party[][] {
  const { apps, scalers } = system;
  return apps.consumers.flatMap((app) => {
    const queue = consumerQueue(app);
    if (queue === undefined || app.settings === undefined) return [];
    const { REGION: region, AWS_ENDPOINT_URL: endpoint } = app.settings;
    const receiver = {
      title: title(app.workload.manifest),
      region,
      endpoint: endpoint && originOf(endpoint),
      place: variablePlace(app, "REGION"),
    };
    const publishers = apps.demoBackends.filter(({ settings }) => settings?.JOBS_TOPIC === queue.name);
    return [
      [
        receiver,
        ...publishers.flatMap(({ workload, settings }) =>
          senders(findPubsub(system, settings?.PUBSUB_NAME ?? "", workload.manifest.namespace)),
        ),
        ...scalers.flatMap((scaler) =>
          scaler.queues
            .filter((trigger) => trigger.queue === queue.name)
            .flatMap((trigger) => watcher(scaler, trigger)),
        ),
      ],
    ];
  });
}

function senders(pubsub: Pubsub | undefined): Party[] {
  if (pubsub?.broker !== "sqs") return [];
  const { manifest, settings } = pubsub;
  const { text: endpoint } = settings.get("endpoint") ?? {};
  return [
    {
      title: title(manifest),
      region: settings.get("region")?.text,
      endpoint: endpoint && originOf(endpoint),
      place: settings.get("region") ?? manifest.root.at("spec", "metadata"),
    },
  ];
}

function watcher({ manifest }: Scaler, { broker, place, region }: QueueTrigger): Party[] {
  if (broker !== "sqs") return [];
  const { text: endpoint } = place.at("metadata", "awsEndpoint");
  const party = { title: title(manifest), region, place: place.at("metadata", "awsRegion") };
  return [{ ...party, endpoint: endpoint && originOf(endpoint) }];
}

function originOf(url: string): string {
  return URL.canParse(url) ? new URL(url).origin : url;
}
