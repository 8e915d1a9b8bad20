import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/{packages,newcomer}/*.spec.ts"],
    globalSetup: "test/packages/install.ts",
    root: new URL("../..", import.meta.url).pathname,
  },
});
