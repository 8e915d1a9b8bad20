/**
 * What the page's server sends its tabs, each as a server-sent event of that name. The page's scripts are checked
 * against these types, so this file must not import anything of Node.
 */
export interface PageEvents {
  /** Everything there is to show, first on every connection. */
  snapshot: Snapshot;
  /** The targets and the sidecar, whenever they change. */
  now: Now;
  /** Once a second, which also shows the tab that the playground is alive. */
  sample: Sample;
  /** A cold start at each of its steps, and when it is over. */
  "cold-start": ShownColdStart;
  /** Something new, or an earlier item with a higher count. */
  news: News;
}

export interface Snapshot {
  /** The server's clock. */
  readonly atMs: number;
  readonly gatewayUrl: string;
  /** The command that starts this playground again, at this page's address. */
  readonly startCommand: string;
  /** Buttons that cannot work with the manifests that are played, and why. */
  readonly unavailable: Readonly<Partial<Record<ActionName, string>>>;
  readonly now: Now;
  /** Oldest first, like all lists here. */
  readonly samples: readonly Sample[];
  readonly coldStarts: readonly ShownColdStart[];
  readonly news: readonly News[];
}

export interface Now {
  readonly sidecar: { readonly description: string; readonly isRunning: boolean };
  readonly targets: readonly ShownTarget[];
}

/** A workload that the autoscaler scales. */
export interface ShownTarget {
  readonly name: string;
  /** What the plugin knows about the backend; undefined for a worker, which gets no requests. */
  readonly backend?: {
    readonly state: "cold" | "activating" | "ready";
    /** How long the backend still counts as ready without another probe. */
    readonly leaseLeftMs: number;
    readonly held: number;
    readonly inFlight: number;
  };
  /** Replicas asked for. */
  readonly replicas: number;
  readonly readyPods: number;
  /** Processes, including those that are starting or terminating. */
  readonly processes: number;
  /** Messages on the queue that wakes it, as the autoscaler last found them. */
  readonly queueLength: number;
}

/** Figures at one moment, one of each for every target, in the order of `Now.targets`. */
export interface Sample {
  readonly atMs: number;
  readonly replicas: readonly number[];
  readonly queueLengths: readonly number[];
  /** The maximum since the previous sample, so that a peak of a few milliseconds shows too. */
  readonly held: readonly number[];
  readonly inFlight: readonly number[];
}

export interface ShownColdStart {
  readonly id: number;
  readonly target: string;
  /** The target whose request woke this one along. */
  readonly wokenBy?: string;
  /** Left: every client that waited for it has gone. */
  readonly state: "running" | "answered" | "failed" | "left";
  /** By the server's clock. */
  readonly arrivedAtMs: number;
  /** The steps so far, in milliseconds since the request arrived. */
  readonly timeline: readonly { readonly event: string; readonly atMs: number }[];
}

/** A sentence about something that happened. */
export interface News {
  readonly id: number;
  readonly atMs: number;
  readonly text: string;
  /** A consequence is trouble that a user caused by killing a replica or stopping the sidecar. */
  readonly tone: "plain" | "good" | "bad" | "consequence";
  /** How often it happened within a few seconds. */
  readonly count: number;
  /** The button whose outcome this is. */
  readonly outcomeOf?: ActionName;
}

/** The buttons. */
export const actionNames = ["request", "burst", "jobs", "websocket", "kill", "sidecar"] as const;
export type ActionName = (typeof actionNames)[number];

/** The answer to a button's `POST /actions/{name}`. */
export interface ActionAnswer {
  /** One sentence: what was started, or why not. */
  readonly message: string;
}
