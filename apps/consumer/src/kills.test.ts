import { join } from "node:path";

import { bundleOnce, playKillStory } from "@kong-serverless/testing";
import { describe, expect, inject, test } from "vitest";

// Processes have to start, be killed, and wait for the visibility of what they held to end. `pnpm bench consumer-kills` plays the
// same stories with ten times as many messages.
const timeLimitMs = 180_000;
const options = {
  entry: await bundleOnce(join(import.meta.dirname, ".."), inject("bundleFolder")),
  messages: 2000,
  workers: 2,
  deadlineMs: timeLimitMs,
};

describe("consumers that are killed at random", { timeout: timeLimitMs }, () => {
  test("lose no message", async () => {
    // Two consumers would otherwise be done with 2,000 messages in a second.
    const outcome = await playKillStory("handlers that succeed", { ...options, longestLifeMs: 300 });
    expect(outcome).toMatchObject({ lost: 0, deadLettered: 0 });
    expect(outcome.handledOnce + outcome.handledMore).toBe(2000);
    expect(outcome.kills).toBeGreaterThan(0);
  });

  test("lose no message either when handlers fail, and dead-letter only what never succeeds", async () => {
    const outcome = await playKillStory("handlers that fail", options);
    expect(outcome).toMatchObject({ lost: 0, deadLettered: 10 });
    expect(outcome.handledOnce + outcome.handledMore).toBe(1990);
  });
});
