import { title } from "../../manifests/manifests.ts";
import type { Place } from "../../manifests/place.ts";
import { variablePlace } from "../../system/app.ts";
import type { System } from "../../system/system.ts";
import { type Finding, finding } from "../finding.ts";

/** SNS, SQS, KEDA and the consumer are in one region. */
export function* regionsAgree(system: System): Generator<Finding> {
  const [first, ...others] = regions(system);
  if (first === undefined) return;
  for (const { who, region, place } of others) {
    if (region === first.region) continue;
    const what = `${who} is in ${region}, ${first.who} in ${first.region}`;
    yield finding("REGION_MISMATCH", place, what);
  }
}

function* regions({
  pubsubs,
  scalers,
  apps,
}: System): Generator<{ who: string; region: string; place: Place }> {
  for (const { manifest, broker, settings } of pubsubs) {
    const place = settings.get("region");
    if (broker === "sqs" && place?.text !== undefined)
      yield { who: title(manifest), region: place.text, place };
  }
  for (const { manifest, queues } of scalers) {
    for (const { region, place } of queues) {
      if (region === undefined) continue;
      yield { who: title(manifest), region, place: place.at("metadata", "awsRegion") };
    }
  }
  for (const app of apps.consumers) {
    if (app.settings === undefined) continue;
    const who = title(app.workload.manifest);
    yield { who, region: app.settings.REGION, place: variablePlace(app, "REGION") };
  }
}
