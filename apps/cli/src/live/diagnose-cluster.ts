import { readGateway, readSystem, type System } from "@kong-serverless/manifests";

import { unknowns } from "../doctor/diagnose.ts";
import { applyRules, type Diagnosis } from "../doctor/diagnosis.ts";
import { rules } from "../doctor/rules/index.ts";
import type { Shell } from "../shell.ts";
import { compareQueues } from "./compare-queues.ts";
import { gatewayInCluster } from "./gateway-in-cluster.ts";
import type { KubeconfigApiServer } from "./kubeconfig-api-server.ts";
import type { LiveSystem } from "./live-system.ts";
import { findMissingKinds } from "./platform-kinds.ts";
import { readCluster } from "./read-cluster.ts";
import { readFileLimits } from "./read-file-limits.ts";
import { liveRules } from "./rules/index.ts";

export interface DiagnoseClusterOptions {
  readonly cluster: string;
  readonly namespaces: readonly string[];
  /** Address of a queue service other than AWS. */
  readonly endpoint: string | undefined;
  readonly signal: AbortSignal;
  readonly progress?: Shell["progress"];
}

/** What the API server never shows, whatever the permissions. */
const outOfSight = [
  "whether the sidecars have loaded their Components: daprd tells it inside its pod only (its log says `Component loaded`)",
  "whether Kong itself knows the plugin: its admin API listens inside its pod only; a KongPlugin's condition stands for it",
];

/** Applies every rule to the objects in the cluster and to their status. Throws CLUSTER_UNREACHABLE. */
export async function diagnoseCluster(
  server: KubeconfigApiServer,
  { cluster, namespaces, endpoint, signal, progress = () => {} }: DiagnoseClusterOptions,
): Promise<Diagnosis> {
  progress("Looking which kinds the cluster knows");
  const missingKinds = await findMissingKinds(server, cluster);
  const { manifests, skipped } = await readCluster(server, { cluster, namespaces, progress });
  const seen = readSystem(manifests, readGateway());
  const system: System = { ...seen, gateway: gatewayInCluster(seen) };
  progress("Looking at topics and queues");
  const queues = await compareQueues(system, { endpoint, signal });
  progress("Looking at the limits of the gateway's pods");
  const files = await readFileLimits(server, system, signal);
  const live: LiveSystem = {
    ...system,
    fileLimits: files.limits,
    missingKinds,
    queueChanges: queues.changes,
    queueService: queues.service,
  };
  const applied = applyRules(rules, system);
  const running = applyRules(liveRules, live);
  const findings = [...applied.findings, ...running.findings];
  const nothing =
    seen.plugins.length === 0 ? ["everything else: no KongPlugin `serverless` was found (--namespace)"] : [];
  return {
    ok: findings.length === 0,
    findings,
    skipped: [
      ...nothing,
      ...skipped,
      ...queues.skipped,
      ...files.skipped,
      ...applied.skipped,
      ...running.skipped,
      ...unknowns(system),
      ...outOfSight,
    ],
  };
}
