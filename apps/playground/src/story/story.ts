import { errorMessage } from "../error-message.ts";
import type { PlaygroundSettings } from "../settings.ts";
import {
  type ColdStartResult,
  type JobsResult,
  playColdStart,
  playCooldown,
  playJobs,
  playScale,
  playWarm,
  type ScaleResult,
  type WarmResult,
} from "./acts.ts";
import type { StoryContext } from "./story-context.ts";

/** The outcome of the story, as `pnpm demo --once --json` prints it. Acts that were not reached are missing. */
export interface StoryReport {
  ok: boolean;
  /** Why not. */
  reason?: string;
  coldStart?: ColdStartResult;
  warm?: WarmResult;
  scale?: ScaleResult;
  jobs?: JobsResult;
  scaledToZero?: boolean;
  settings: PlaygroundSettings;
  versions: Record<string, string>;
}

/**
 * Plays the fixed story: a cold start, warm requests, one to many, jobs, back to zero. Never rejects: a failure is in
 * the report.
 */
export async function playStory(
  context: StoryContext,
  versions: Record<string, string>,
): Promise<StoryReport> {
  const report: StoryReport = { ok: false, settings: context.settings, versions };
  try {
    context.say("a. 20 requests at once to a backend at zero");
    report.coldStart = await playColdStart(context);
    context.say("b. 200 warm requests, one after the other");
    report.warm = await playWarm(context);
    context.say("c. slow requests, 30 at a time, until there is more than one replica");
    report.scale = await playScale(context);
    context.say("d. 50 jobs of one second through the queue");
    report.jobs = await playJobs(context);
    context.say("e. no more traffic: back to zero");
    report.scaledToZero = await playCooldown(context);
    report.ok = true;
  } catch (error) {
    report.reason = errorMessage(error);
  }
  return report;
}
