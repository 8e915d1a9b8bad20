import { Activator } from "@kong-serverless/activator";
import { RecordingLog } from "@kong-serverless/testing";

import type { EntityParts } from "../entity.ts";
import { Metrics } from "../metrics.ts";
import { Traces } from "../traces.ts";
import { WaitingPage } from "../waiting-page.ts";

/** What an entity needs, with backends that are always ready, or never. */
export function makeEntityParts({ isReady = true } = {}): EntityParts & { readonly log: RecordingLog } {
  const log = new RecordingLog();
  const activator = new Activator({
    publishWake: async () => {},
    probe: async () => ({ isReady, durationMs: 0 }),
    observe: () => {},
  });
  return {
    activator,
    metrics: new Metrics(),
    traces: new Traces(log),
    waitingPage: new WaitingPage(undefined, log),
    log,
  };
}
