import type { System } from "@kong-serverless/manifests";
import { ServerlessError } from "@kong-serverless/runtime";

import { type ResourceChange, provision } from "../provision/provision.ts";
import { QueueService } from "../provision/queue-service.ts";
import { wantedFor } from "../provision/wanted.ts";

export interface QueueComparison {
  readonly changes: readonly ResourceChange[];
  /** The queue service, as findings name it. */
  readonly service: string;
  readonly skipped: readonly string[];
}

/** Compares topics, queues and subscriptions with what the manifests expect, like a dry run of provisioning. */
export async function compareQueues(
  system: System,
  options: { readonly endpoint: string | undefined; readonly signal: AbortSignal },
): Promise<QueueComparison> {
  const nothing = { changes: [], service: options.endpoint ?? "AWS", skipped: [] };
  try {
    const wanted = wantedFor(system);
    if (wanted.queues.length === 0) return nothing;
    using service = new QueueService({ region: wanted.region, ...options });
    const changes = await provision(wanted, service, { dryRun: true });
    return { ...nothing, changes, service: options.endpoint ?? `AWS ${wanted.region ?? ""}`.trim() };
  } catch (error) {
    if (!(error instanceof ServerlessError)) throw error;
    return { ...nothing, skipped: [`topics, queues and subscriptions: ${error.message}`] };
  }
}
