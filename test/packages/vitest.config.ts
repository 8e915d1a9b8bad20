import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/packages/*.spec.ts"],
    root: new URL("../..", import.meta.url).pathname,
    hookTimeout: 600_000,
  },
});
