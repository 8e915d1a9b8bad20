import { replicasAreLeftToKeda } from "../doctor/checks/scale-target.ts";
import { checks, unknowns } from "../doctor/diagnose.ts";
import type { Diagnosis } from "../doctor/finding.ts";
import { readGateway } from "../system/gateway.ts";
import { readSystem } from "../system/system.ts";
import type { ApiServer } from "./api-server.ts";
import { diagnoseQueues } from "./diagnose-queues.ts";
import { gatewayInCluster } from "./gateway-in-cluster.ts";
import { liveChecks } from "./live-checks.ts";
import { findMissingKinds } from "./platform-kinds.ts";
import { readCluster } from "./read-cluster.ts";

export interface DiagnoseClusterOptions {
  readonly cluster: string;
  readonly namespaces: readonly string[];
  /** Address of another queue service than AWS. */
  readonly endpoint: string | undefined;
  readonly signal: AbortSignal;
}

/** What the API server does not show, whatever one may read of it. */
const outOfSight = [
  "whether the sidecars have loaded their Components: daprd tells it inside its pod only (its log says `Component loaded`)",
  "whether Kong itself knows the plugin: its admin API listens inside its pod only; a KongPlugin's condition stands for it",
];

/** Applies every check to what is applied, and looks at what the cluster makes of it. Throws CLUSTER_UNREACHABLE. */
export async function diagnoseCluster(
  server: ApiServer,
  { cluster, namespaces, endpoint, signal }: DiagnoseClusterOptions,
): Promise<Diagnosis> {
  const missing = await findMissingKinds(server, cluster);
  const { manifests, skipped } = await readCluster(server, { cluster, namespaces });
  const seen = readSystem(manifests, readGateway());
  const system = { ...seen, gateway: gatewayInCluster(seen) };
  // In a cluster the replicas are what KEDA has set.
  const applied = checks.filter((check) => check !== replicasAreLeftToKeda);
  const queues = await diagnoseQueues(system, { endpoint, signal });
  const findings = [
    ...missing,
    ...[...applied, ...liveChecks].flatMap((check) => Array.from(check(system))),
    ...queues.findings,
  ];
  const nothing =
    seen.plugins.length === 0 ? ["everything else: no KongPlugin `serverless` was found (--namespace)"] : [];
  return {
    ok: findings.length === 0,
    findings,
    skipped: [...nothing, ...skipped, ...queues.skipped, ...unknowns(system), ...outOfSight],
  };
}
