import type { Rule } from "../../doctor/rule.ts";
import type { LiveSystem } from "../live-system.ts";
import { crdMissing } from "./crd-missing.ts";
import { crdVersionMissing } from "./crd-version-missing.ts";
import { endpointsMissing } from "./endpoints-missing.ts";
import { gatewayFileLimit } from "./gateway-file-limit.ts";
import { gatewayNotReady } from "./gateway-not-ready.ts";
import { pluginRejected } from "./plugin-rejected.ts";
import { pushTriggerUnknown } from "./push-trigger-unknown.ts";
import { queueDiffers } from "./queue-differs.ts";
import { queueMissing } from "./queue-missing.ts";
import { scaledObjectNotReady } from "./scaled-object-not-ready.ts";
import { sidecarNotInjected } from "./sidecar-not-injected.ts";
import { topicMissing } from "./topic-missing.ts";
import { triggerFailing } from "./trigger-failing.ts";

/** The rules for what only a live cluster shows. */
export const liveRules: readonly Rule<LiveSystem>[] = [
  crdMissing,
  crdVersionMissing,
  scaledObjectNotReady,
  triggerFailing,
  pushTriggerUnknown,
  pluginRejected,
  sidecarNotInjected,
  gatewayNotReady,
  gatewayFileLimit,
  endpointsMissing,
  topicMissing,
  queueMissing,
  queueDiffers,
];
