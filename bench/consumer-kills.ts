import { fileURLToPath } from "node:url";

import { killStories, type KillStoryOutcome, playKillStory } from "@kong-serverless/testing";

const entry = fileURLToPath(import.meta.resolve("@kong-serverless/consumer/main"));
const messages = 20_000;
const workers = 4;

/**
 * Has consumers handle 20,000 messages while they are killed at random, by SIGKILL and by SIGTERM, and counts the
 * outcome of each message: once with handlers that succeed, once with some that fail.
 */
export async function run(progress: (line: string) => void): Promise<object> {
  const stories: (KillStoryOutcome & { story: string })[] = [];
  for (const story of Object.keys(killStories) as (keyof typeof killStories)[]) {
    let reported = 0;
    const outcome = await playKillStory(story, {
      entry,
      messages,
      workers,
      deadlineMs: 900_000,
      onProgress(left, kills) {
        if (kills < reported + 10) return;
        reported = kills;
        progress(`${story}: ${left} messages left after ${kills} kills`);
      },
    });
    stories.push({ story, ...outcome });
  }
  const total = (field: keyof KillStoryOutcome) => stories.reduce((sum, outcome) => sum + outcome[field], 0);
  return {
    sent: total("sent"),
    handledOnce: total("handledOnce"),
    handledMore: total("handledMore"),
    lost: total("lost"),
    deadLettered: total("deadLettered"),
    kills: total("kills"),
    stories,
  };
}
