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

/** A sender, scaler or receiver of a queue, and where it looks for the queue. */
export interface Party {
  readonly title: string;
  /** Undefined: none is given. */
  readonly region: string | undefined;
  /** Address of a queue service other than AWS. */
  readonly endpoint: string | undefined;
  readonly place: Place;
  /** Whether it is in a Secret. */
  readonly isHidden: boolean;
}

/** The parties of each queue, one list per queue. */
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
      // It may be in a TriggerAuthentication.
      isHidden: region === undefined && place.at("authenticationRef").exists,
    },
  ];
}

function originOf(url: string): string {
  return URL.parse(url)?.origin ?? url;
}
