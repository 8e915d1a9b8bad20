import { defineConfig } from "vitest/config";

import { LongestFirst } from "./test/longest-first.ts";

export default defineConfig({
  test: {
    include: [
      "packages/*/src/**/*.test.ts",
      "apps/*/src/**/*.test.ts",
      "test/**/*.test.ts",
      "bench/*.test.ts",
    ],
    reporters: ["default", "./test/skip-report.ts"],
    globalSetup: "packages/testing/src/bundle-folder.ts",
    // Tests start real processes, and half of the time wait for them. More at once on two cores wait for one another.
    maxWorkers: 3,
    maxConcurrency: 3,
    sequence: { sequencer: LongestFirst },
    // A busy machine is no fault: what a test measures it says itself. What it waits for across processes gets as long as the
    // test, less the time to say what was seen last.
    testTimeout: 60_000,
    hookTimeout: 60_000,
    expect: { poll: { timeout: 55_000, interval: 20 } },
  },
});
