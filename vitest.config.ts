import { defineConfig } from "vitest/config";

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
    // Tests start real processes; on two cores more than two at once only makes them wait for one another.
    maxWorkers: 2,
    // What a test waits for across processes gets as long as the test, less the time to say what was seen last.
    expect: { poll: { timeout: 4_500, interval: 20 } },
  },
});
