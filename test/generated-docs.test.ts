import { spawnSync } from "node:child_process";
import { join } from "node:path";

import { expect, test } from "vitest";

test("docs/configuration.md and docs/errors.md say what the schemas and the table of error codes say", () => {
  const script = join(import.meta.dirname, "../scripts/generate-docs.ts");
  const { status, stderr } = spawnSync(process.execPath, [script, "--check"], { encoding: "utf8" });
  expect(stderr).toBe("");
  expect(status).toBe(0);
});
