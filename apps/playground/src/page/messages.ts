/**
 * What the page's server tells its tabs, each as a server-sent event of that name. The page's own scripts are checked against
 * these types, so nothing of Node may be imported here.
 */
export interface PageEvents {
  /** Everything there is to show, first on every connection. */
  snapshot: Snapshot;
  /** The targets and the sidecar, whenever something about them has changed. */
  now: Now;
  /** Once a second, which also tells the tab that the playground lives. */
  sample: Sample;
  "cold-start": ShownColdStart;
  news: News;
}

export interface Snapshot {
  readonly gatewayUrl: string;
  readonly now: Now;
  /** Oldest first, as all lists here. */
  readonly samples: readonly Sample[];
  readonly coldStarts: readonly ShownColdStart[];
  readonly news: readonly News[];
}

export interface Now {
  readonly sidecar: { readonly description: string; readonly isRunning: boolean };
  readonly targets: readonly Target[];
}

/** A workload that the autoscaler scales. */
export interface Target {
  readonly name: string;
  /** What the plugin knows of the backend; undefined for a worker, which no request leads to. */
  readonly backend?: {
    readonly state: "cold" | "activating" | "ready";
    /** For how long the backend counts as ready without another probe. */
    readonly leaseLeftMs: number;
    readonly held: number;
    readonly inFlight: number;
  };
  /** Replicas asked for. */
  readonly replicas: number;
  readonly readyPods: number;
  /** Processes, those that start or terminate included. */
  readonly processes: number;
  /** Messages on the queue that wakes it, as the autoscaler found them last. */
  readonly queueLength: number;
}

/** Figures at one moment, one of each for every target, in the order of `Now.targets`. */
export interface Sample {
  readonly atMs: number;
  readonly replicas: readonly number[];
  readonly queueLengths: readonly number[];
  /** The most that there were at once since the sample before: what lasts a moment is seen too. */
  readonly held: readonly number[];
  readonly inFlight: readonly number[];
}

export interface ShownColdStart {
  readonly target: string;
  /** The target whose request woke this one along. */
  readonly wokenBy?: string;
  /** When its request was answered, or it was ready for that of another one. */
  readonly endedAtMs: number;
  /** Milliseconds since the request arrived. */
  readonly timeline: readonly { readonly event: string; readonly atMs: number }[];
}

/** A sentence about something that happened. */
export interface News {
  readonly atMs: number;
  readonly text: string;
  readonly tone: "plain" | "good" | "bad";
  /** What became of a button that was pressed. */
  readonly isOutcome: boolean;
}

/** The buttons. */
export const actionNames = ["request", "burst", "jobs", "websocket", "kill", "sidecar"] as const;
export type ActionName = (typeof actionNames)[number];

/** What a button's `POST /actions/{name}` is answered with. */
export interface ActionAnswer {
  /** One sentence: what was begun, or why not. */
  readonly message: string;
}
