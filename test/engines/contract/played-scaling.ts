import type { Scalable } from "../../../apps/playground/src/autoscaler/autoscaler.ts";
import { startAutoscaler } from "../../../apps/playground/src/autoscaler/start-autoscaler.ts";
import { Journal } from "../../../apps/playground/src/journal.ts";
import { kinds } from "../../../apps/playground/src/manifests/kinds.ts";
import type { PlaygroundSettings } from "../../../apps/playground/src/settings.ts";
import { sleep } from "../../../packages/runtime/src/index.ts";
import { ReplicaHistory } from "./replica-history.ts";
import type { ScaledObjectDraft, ScaledWorkload, Scaling } from "./scaling.ts";

const asWritten = { inCluster: Infinity, used: Infinity };
/** The same as the engines'; the rest is in the ScaledObject. */
const settings: PlaygroundSettings = {
  cooldownSeconds: asWritten,
  scaleDownStabilizationSeconds: asWritten,
  hpaSyncSeconds: { inCluster: 15, used: 2 },
  wakeRetentionSeconds: asWritten,
  keepWarmIntervalMs: asWritten,
};
/** A push takes a few milliseconds. */
const settleMs = 100;

/** The playground's autoscaler, in place of KEDA and the HPA. */
export const playedScaling: Scaling = {
  async scale({ name, annotations = {}, spec }: ScaledObjectDraft, replicas = 0): Promise<ScaledWorkload> {
    const scaledObject = kinds.ScaledObject.parse({
      apiVersion: "keda.sh/v1alpha1",
      kind: "ScaledObject",
      metadata: { name, namespace: name, annotations },
      spec: { scaleTargetRef: { name }, ...spec },
    });
    const target = new PlayedWorkload(name, replicas);
    const autoscaler = startAutoscaler({
      scaledObject,
      target,
      settings,
      journal: new Journal(),
      // The servers are on this machine, under their own addresses.
      dns: { resolve: (address) => address },
      broker: {
        get sqs(): never {
          throw new Error("there is no queue here");
        },
      },
    });
    return {
      ready: async () => {},
      replicas: async () => target.replicas,
      scaleTo: async (count) => {
        do {
          target.scaleTo(count);
          await sleep(settleMs);
        } while (target.replicas !== count);
      },
      until: (count, sinceMs) => target.history.until(count, sinceMs),
      [Symbol.asyncDispose]: () => autoscaler.stop(),
    };
  },
};

class PlayedWorkload implements Scalable {
  readonly name: string;
  readonly history = new ReplicaHistory();
  #replicas = 0;

  constructor(name: string, replicas: number) {
    this.name = name;
    this.scaleTo(replicas);
  }

  get replicas(): number {
    return this.#replicas;
  }

  scaleTo(replicas: number): void {
    this.#replicas = replicas;
    this.history.note(replicas);
  }
}
