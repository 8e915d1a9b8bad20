import type { ColdStartStep } from "../cold-starts.ts";
import { errorMessage } from "../error-message.ts";
import type { PlaygroundSettings } from "../settings.ts";
import { playColdStart } from "./cold-start-act.ts";
import { playCooldown } from "./cooldown-act.ts";
import { playJobs } from "./jobs-act.ts";
import { playScale } from "./scale-act.ts";
import type { Stage } from "./stage.ts";
import { playWarm } from "./warm-act.ts";

/** What the story found, as `pnpm demo --once --json` prints it. Acts that were not reached are missing. */
export interface StoryReport {
  ok: boolean;
  /** Why not. */
  reason?: string;
  coldStart?: {
    requests: number;
    /** Answers by status. */
    statuses: Record<string, number>;
    activations: number;
    wakeMessages: number;
    timeline: readonly ColdStartStep[];
    /** From the backend's first ready answer to the last answer of a held request. */
    readyToAnsweredMs: number;
  };
  warm?: {
    requests: number;
    p50Ms: number;
    p99Ms: number;
    /** Probes and wake messages that a request waited for. */
    probes: number;
    wakeMessages: number;
    /** Those off the requests' path, which keep the backend known as ready and awake. */
    inBackground: { probes: number; wakeMessages: number };
  };
  scale?: { requests: number; failed: number; peakReplicas: number };
  jobs?: { published: number; handled: number; peakReplicas: number };
  scaledToZero?: boolean;
  settings: PlaygroundSettings;
  versions: Record<string, string>;
}

/** Plays the fixed story: a cold start, warm requests, one to many, jobs, back to zero. Never rejects: what went wrong is in the report. */
export async function playStory(stage: Stage, versions: Record<string, string>): Promise<StoryReport> {
  const report: StoryReport = { ok: false, settings: stage.settings, versions };
  try {
    stage.say("a. 20 requests at once to a backend at zero");
    report.coldStart = await playColdStart(stage);
    stage.say("b. 200 warm requests, one after the other");
    report.warm = await playWarm(stage);
    stage.say("c. slow requests, 30 at a time, until there is more than one replica");
    report.scale = await playScale(stage);
    stage.say("d. 50 jobs of one second through the queue");
    report.jobs = await playJobs(stage);
    stage.say("e. no more traffic: back to zero");
    report.scaledToZero = await playCooldown(stage);
    report.ok = true;
  } catch (error) {
    report.reason = errorMessage(error);
  }
  return report;
}
