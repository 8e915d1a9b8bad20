import type { System } from "@kong-serverless/manifests";

import type { Where } from "../doctor/rule.ts";
import type { ResourceChange } from "../provision/provision.ts";
import type { FileLimit } from "./read-file-limits.ts";

/** The objects in a cluster and their status. */
export interface LiveSystem extends System {
  readonly fileLimits: readonly FileLimit[];
  readonly missingKinds: readonly MissingKind[];
  /** How topics, queues and subscriptions differ from what the manifests expect. */
  readonly queueChanges: readonly ResourceChange[];
  /** The queue service that was queried. */
  readonly queueService: string;
}

/** A kind that the API server does not serve in the version that the manifests use. */
export interface MissingKind {
  readonly kind: string;
  readonly groupVersion: string;
  /** What installs it. */
  readonly broughtBy: string;
  /** The served versions of its group; empty if the group or the kind is missing. */
  readonly servedVersions: readonly string[];
  readonly where: Where;
}
