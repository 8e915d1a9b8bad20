import {
  consumerQueue,
  findPubsub,
  jobTopics,
  type Place,
  type Pubsub,
  type QueueTrigger,
  type Scaler,
  type System,
  title,
  variablePlace,
  wakePubsub,
  wakeWatches,
} from "@kong-serverless/manifests";

/** Somebody who sends to, watches or receives from a queue, and where it takes the queue to be. */
export interface Party {
  readonly title: string;
  /** Undefined: it says none. */
  readonly region: string | undefined;
  /** Address of another queue service than AWS. */
  readonly endpoint: string | undefined;
  readonly place: Place;
  /** Whether a Secret says it. */
  readonly isHidden: boolean;
}

/** All who have to do with one queue, a list for each queue. */
export function partiesOf(system: System): Party[][] {
  return [...wakeParties(system), ...jobParties(system)];
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
      isHidden: false,
    };
    const publishers = apps.demoBackends.filter(
      ({ settings }) => settings && jobTopics(settings).some(({ topic }) => topic === queue.name),
    );
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
  const { manifest, settings, secrets } = pubsub;
  const { text: endpoint } = settings.get("endpoint") ?? {};
  return [
    {
      title: title(manifest),
      region: settings.get("region")?.text,
      endpoint: endpoint && originOf(endpoint),
      place: settings.get("region") ?? manifest.root.at("spec", "metadata"),
      isHidden: secrets.has("region"),
    },
  ];
}

function watcher({ manifest }: Scaler, { broker, place, region }: QueueTrigger): Party[] {
  if (broker !== "sqs") return [];
  const { text: endpoint } = place.at("metadata", "awsEndpoint");
  return [
    {
      title: title(manifest),
      region,
      endpoint: endpoint && originOf(endpoint),
      place: place.at("metadata", "awsRegion"),
      // A TriggerAuthentication may bring it.
      isHidden: region === undefined && place.at("authenticationRef").exists,
    },
  ];
}

function originOf(url: string): string {
  return URL.parse(url)?.origin ?? url;
}
