import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: [
      "packages/*/src/**/*.test.ts",
      "apps/*/src/**/*.test.ts",
      "test/**/*.test.ts",
      "bench/*.test.ts",
    ],
    // Tests start real processes; on two cores more than two at once only makes them wait for one another.
    maxWorkers: 2,
  },
});
