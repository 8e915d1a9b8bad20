import type { ProbeTarget } from "@kong-serverless/health-poller";

import type { ActivatorDeps, PodAddress } from "./activator-deps.ts";

export interface PodProbesOptions {
  readonly deps: Pick<ActivatorDeps, "podsOf" | "probe">;
  readonly onReady: (pod: PodAddress) => void;
}

/**
 * Asks the pods behind a backend's Service themselves: one that has started answers a second or so before Kubernetes has noticed
 * and the Service leads to it.
 */
export class PodProbes {
  readonly #options: PodProbesOptions;
  /** Pods whose answer is awaited: one that hangs holds up nobody else, and is not asked again meanwhile. */
  readonly #asked = new Set<string>();

  constructor(options: PodProbesOptions) {
    this.#options = options;
  }

  /** Asks each pod that stands behind `target` now and does not owe an answer. */
  ask(target: ProbeTarget, signal: AbortSignal): void {
    for (const pod of this.#options.deps.podsOf?.(target) ?? []) {
      void this.#ask(pod.address, pod.target, signal);
    }
  }

  async #ask(address: PodAddress, target: ProbeTarget, signal: AbortSignal): Promise<void> {
    if (this.#asked.has(target.url)) return;
    this.#asked.add(target.url);
    const { isReady } = await this.#options.deps.probe(target, signal);
    this.#asked.delete(target.url);
    if (isReady && !signal.aborted) this.#options.onReady(address);
  }
}
