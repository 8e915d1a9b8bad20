import type { ConsumerEnvironment } from "@kong-serverless/config";

import type { Place } from "../manifests/place.ts";
import { type App, variablePlace } from "./app.ts";

/** The queue that a consumer works on; undefined where its environment does not tell. */
export function consumerQueue(
  app: App<ConsumerEnvironment>,
): { readonly name: string; readonly place: Place } | undefined {
  if (app.settings === undefined) return undefined;
  const { QUEUE_URL: url, QUEUE_NAME: name = "" } = app.settings;
  // The URL wins over the name, as it does in the app.
  return url === undefined
    ? { name, place: variablePlace(app, "QUEUE_NAME") }
    : { name: url.slice(url.lastIndexOf("/") + 1), place: variablePlace(app, "QUEUE_URL") };
}
