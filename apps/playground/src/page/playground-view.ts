import type { Journal } from "../journal.ts";
import type { ReplicaSet } from "../kubelet/replica-set.ts";
import type { Cluster } from "../manifests/cluster.ts";
import type { Playground } from "../playground.ts";
import type { SidecarSwitch } from "../sidecar/sidecar-switch.ts";

/** The playground as the page sees it, and what its buttons act on. */
export interface PlaygroundView {
  readonly gatewayUrl: string;
  readonly journal: Journal;
  readonly sidecar: Pick<SidecarSwitch, "description" | "isRunning" | "turnOn" | "turnOff">;
  readonly targets: readonly ViewedTarget[];
  /** Where the plugin server serves its metrics. */
  opsPort(): number;
}

export interface ViewedTarget {
  readonly name: string;
  /** The plugin's name for it; undefined for a worker. */
  readonly backend: string | undefined;
  readonly replicaSet: Pick<ReplicaSet, "replicas" | "readyPods" | "running" | "killOne">;
}

export function viewPlayground(playground: Playground, cluster: Cluster, journal: Journal): PlaygroundView {
  const { url, sidecar, replicaSets } = playground;
  return {
    gatewayUrl: url,
    journal,
    sidecar,
    opsPort: () => playground.pluginServer.opsPort,
    targets: cluster.scaleTargets.flatMap(({ name, backend }) => {
      const replicaSet = replicaSets.get(name);
      return replicaSet ? [{ name, backend: backend?.name, replicaSet }] : [];
    }),
  };
}
