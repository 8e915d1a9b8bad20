import { consumerQueue, type Place, type System, title } from "@kong-serverless/manifests";

import { partiesOf } from "../queue-parties.ts";
import { fault, type Rule } from "../rule.ts";

export const regionMismatch: Rule = {
  code: "REGION_MISMATCH",
  topic: "names",
  severity: "error",
  why: "Messages are sent to one region and read from another.",
  fix: "Give the Dapr Component, the ScaledObjects' triggers (awsRegion, and the region in queueURL) and the consumer the same region.",
  *check(system) {
    for (const [first, ...others] of partiesOf(system)) {
      for (const other of others) {
        if (first === undefined || first.isHidden || other.isHidden || first.region === other.region)
          continue;
        const what = `${other.title} is in ${other.region ?? "no region"}, ${first.title} in ${first.region ?? "no region"}`;
        yield fault(other.place, what);
      }
    }
    for (const { who, place, urlRegion, region } of queueUrls(system)) {
      if (urlRegion === undefined || region === undefined || urlRegion === region) continue;
      yield fault(place, `${who} has a queue in ${urlRegion} but is itself in ${region}`);
    }
  },
};

interface QueueUrl {
  readonly who: string;
  readonly place: Place;
  readonly urlRegion: string | undefined;
  readonly region: string | undefined;
}

function queueUrls({ scalers, apps }: System): QueueUrl[] {
  const watched = scalers.flatMap(({ manifest, queues }) =>
    queues.map(({ queuePlace: place, urlRegion, region }) => ({
      who: title(manifest),
      place,
      urlRegion,
      region,
    })),
  );
  const consumed = apps.consumers.flatMap((app) => {
    const queue = consumerQueue(app);
    return queue === undefined
      ? []
      : [{ who: title(app.workload.manifest), ...queue, region: app.settings?.REGION }];
  });
  return [...watched, ...consumed];
}
