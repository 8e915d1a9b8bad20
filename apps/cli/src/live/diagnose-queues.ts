import { ServerlessError } from "@kong-serverless/runtime";

import { type Finding, findingAt } from "../doctor/finding.ts";
import { type Change, provision } from "../provision/provision.ts";
import { QueueService } from "../provision/queue-service.ts";
import { wantedFor } from "../provision/wanted.ts";
import type { System } from "../system/system.ts";

export interface QueueDiagnosis {
  readonly findings: readonly Finding[];
  readonly skipped: readonly string[];
}

/** Compares topics, queues and subscriptions with what the manifests take for granted, as a dry run of provisioning does. */
export async function diagnoseQueues(
  system: System,
  options: { readonly endpoint: string | undefined; readonly signal: AbortSignal },
): Promise<QueueDiagnosis> {
  try {
    const wanted = wantedFor(system);
    if (wanted.queues.length === 0) return { findings: [], skipped: [] };
    using service = new QueueService({ region: wanted.region, ...options });
    const changes = await provision(wanted, service, { dryRun: true });
    const where = options.endpoint ?? `AWS ${wanted.region ?? ""}`.trim();
    return { findings: changes.flatMap((change) => toFinding(change, where) ?? []), skipped: [] };
  } catch (error) {
    if (!(error instanceof ServerlessError)) throw error;
    return { findings: [], skipped: [`topics, queues and subscriptions: ${error.message}`] };
  }
}

function toFinding({ resource, name, action, attributes }: Change, file: string): Finding | undefined {
  const where = { file, path: `${resource} ${name}` };
  if (action === "none") return undefined;
  if (action === "create" && resource !== "subscription") {
    return findingAt(
      resource === "topic" ? "TOPIC_MISSING" : "QUEUE_MISSING",
      where,
      `There is no ${resource} ${name}`,
    );
  }
  const differing = attributes.map(
    (attribute) => `${attribute.name} is ${attribute.from ?? "not set"}, not ${attribute.to}`,
  );
  const what =
    resource === "subscription"
      ? `There is no subscription ${name}`
      : `Queue ${name}: ${differing.join("; ")}`;
  return findingAt("QUEUE_DIFFERS", where, what);
}
