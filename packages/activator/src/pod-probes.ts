import type { ProbeTarget } from "@kong-serverless/health-poller";

import type { ActivatorDeps, PodAddress } from "./activator-deps.ts";

export interface PodProbesOptions {
  readonly deps: Pick<ActivatorDeps, "podsOf" | "probe">;
  readonly onReady: (pod: PodAddress) => void;
}

/**
 * Probes the pods behind a backend's Service directly: one that has started answers a second or so before Kubernetes has noticed
 * and its Service leads to it.
 */
export class PodProbes {
  readonly #options: PodProbesOptions;
  /** URLs with a probe in progress: a pod that hangs delays no other, and is not probed again meanwhile. */
  readonly #inProgress = new Set<string>();

  constructor(options: PodProbesOptions) {
    this.#options = options;
  }

  /** Probes each pod that is behind `target` now, unless a probe of it is in progress. */
  probe(target: ProbeTarget, signal: AbortSignal): void {
    for (const pod of this.#options.deps.podsOf?.(target) ?? []) {
      void this.#probe(pod.address, pod.target, signal);
    }
  }

  async #probe(address: PodAddress, target: ProbeTarget, signal: AbortSignal): Promise<void> {
    if (this.#inProgress.has(target.url)) return;
    this.#inProgress.add(target.url);
    const { isReady } = await this.#options.deps.probe(target, signal);
    this.#inProgress.delete(target.url);
    if (isReady && !signal.aborted) this.#options.onReady(address);
  }
}
