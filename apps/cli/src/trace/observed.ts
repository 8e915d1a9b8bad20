interface Named {
  readonly metadata: { readonly name: string };
}

export interface WatchedDeployment extends Named {
  readonly spec: {
    readonly replicas?: number;
    readonly selector?: { readonly matchLabels?: Readonly<Record<string, string>> };
  };
}

export interface WatchedPod extends Named {
  readonly status?: {
    readonly conditions?: readonly { readonly type: string; readonly status: string }[];
  };
}

export interface PodEvent {
  readonly reason?: string;
  readonly message?: string;
  readonly involvedObject: { readonly name?: string; readonly fieldPath?: string };
}

export interface WatchedSlice {
  readonly endpoints?:
    | readonly {
        readonly conditions?: { readonly ready?: boolean };
        readonly targetRef?: { readonly name?: string };
      }[]
    | null;
}

/** The pod conditions that end a stage. */
const conditionStages: Readonly<Record<string, string>> = {
  PodScheduled: "scheduled",
  PodReadyToStartContainers: "sandbox",
  Ready: "ready for the kubelet",
};

/** What was seen of a starting Deployment, and when. If there are several pods, the first one counts. */
export class Observed {
  readonly #podName: RegExp;
  readonly #seenAtMs = new Map<string, number>();
  readonly #oldPods = new Set<string>();
  #pod: string | undefined;
  /** `undefined` until the Deployment has been seen. */
  #replicas: number | undefined;

  constructor(deployment: string) {
    this.#podName = new RegExp(`^${deployment.replaceAll(".", "\\.")}-[a-z0-9]+-[a-z0-9]{5}$`);
  }

  get stages(): readonly { readonly stage: string; readonly atMs: number }[] {
    return [...this.#seenAtMs].map(([stage, atMs]) => ({ stage, atMs }));
  }

  /** Whether a pod has started but not yet passed every stage. */
  get isUnderWay(): boolean {
    const last = [conditionStages["Ready"] ?? "", "endpoints"];
    return this.#pod !== undefined && !last.every((stage) => this.#seenAtMs.has(stage));
  }

  noteDeployment({ spec: { replicas = 1 } }: WatchedDeployment): void {
    if (this.#replicas !== undefined && replicas > this.#replicas) {
      this.#note(`scaled ${this.#replicas} -> ${replicas}`);
    }
    this.#replicas = replicas;
  }

  notePod({ metadata: { name }, status }: WatchedPod, isOld: boolean): void {
    if (isOld) this.#oldPods.add(name);
    if (this.#oldPods.has(name)) return;
    if (this.#pod === undefined) {
      this.#pod = name;
      this.#note("pod created");
    }
    if (name !== this.#pod) return;
    for (const { type, status: isTrue } of status?.conditions ?? []) {
      const stage = conditionStages[type];
      if (stage !== undefined && isTrue === "True") this.#note(stage);
    }
  }

  /** A kubelet reports its steps as events at once, but a pod's status up to a second later. */
  noteEvent({ reason, message = "", involvedObject: { name = "", fieldPath = "" } }: PodEvent): void {
    // The scheduler's event may come before the pod itself has been seen.
    if (!this.#podName.test(name) || this.#oldPods.has(name) || name !== (this.#pod ?? name)) return;
    const isPulled = reason === "Pulled";
    if (reason === "Scheduled") this.#note("scheduled");
    // Images are pulled once the sandbox is there.
    if (reason === "Pulling" || isPulled) this.#note("sandbox");
    if (isPulled && message.startsWith("Successfully pulled")) this.#note("image pulled", "again");
    if (reason === "Started") {
      const isInit = fieldPath.startsWith("spec.initContainers");
      this.#note(isInit ? "sidecars and init containers started" : "containers started", "again");
    }
  }

  noteSlice({ endpoints }: WatchedSlice): void {
    const isReady = (endpoints ?? []).some(
      ({ targetRef, conditions }) => targetRef?.name === this.#pod && conditions?.ready === true,
    );
    if (this.#pod !== undefined && isReady) this.#note("endpoints");
  }

  /** For what happens several times the first time counts or, with `again`, the last. */
  #note(stage: string, again?: "again"): void {
    if (again === undefined && this.#seenAtMs.has(stage)) return;
    this.#seenAtMs.set(stage, performance.now());
  }
}
