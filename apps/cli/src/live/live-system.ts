import type { System } from "@kong-serverless/manifests";

import type { Where } from "../doctor/rule.ts";
import type { Change } from "../provision/provision.ts";
import type { FileLimit } from "./read-file-limits.ts";

/** What is applied in a cluster, and what the cluster makes of it. */
export interface LiveSystem extends System {
  readonly fileLimits: readonly FileLimit[];
  readonly missingKinds: readonly MissingKind[];
  /** How topics, queues and subscriptions differ from what the manifests take for granted. */
  readonly queueChanges: readonly Change[];
  /** The queue service that was asked. */
  readonly queueService: string;
}

/** A kind that the API server does not have as the manifests are written for it. */
export interface MissingKind {
  readonly kind: string;
  readonly groupVersion: string;
  /** Who brings it. */
  readonly broughtBy: string;
  /** The versions of its group that there are; none: the group or the kind is not there. */
  readonly servedVersions: readonly string[];
  readonly where: Where;
}
