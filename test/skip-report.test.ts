import { spawnSync } from "node:child_process";
import { globSync, readFileSync } from "node:fs";
import { mkdtempDisposable, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { expect, test } from "vitest";

const root = join(import.meta.dirname, "..");

const suites = `
  import { describe, test } from "vitest";
  import { needs } from "${root}/packages/testing/src/needs.ts";
  const boat = needs({ what: "a boat", remedy: "build one", isMet: false });
  const oars = needs({ what: "oars", remedy: "carve them", isMet: false });
  const water = needs({ what: "water", remedy: "wait for rain", isMet: true });
  describe("afloat", boat, () => {
    test("sails", () => {});
    test.each([1, 2])("drifts %s", () => {});
    test("is rowed", oars, () => {});
  });
  test("gets wet", water, () => {});
`;

test("a run ends with what was missing for the tests that it skipped", { timeout: 60_000 }, async () => {
  // Below the root, since that is where vitest and its modules are found.
  await using folder = await mkdtempDisposable(join(root, "node_modules/.skip-report-"));
  await writeFile(join(folder.path, "boat.test.ts"), suites);
  await writeFile(join(folder.path, "vitest.config.ts"), "export default {};");
  const reporters = ["default", join(root, "test/skip-report.ts")].map((name) => `--reporter=${name}`);
  const vitest = join(root, "node_modules/vitest/vitest.mjs");
  const { stdout } = spawnSync(
    process.execPath,
    [vitest, "run", "--root", folder.path, "--exclude", "none", ...reporters],
    { encoding: "utf8", env: { PATH: process.env["PATH"] ?? "", NO_COLOR: "1" } },
  );
  expect(stdout).toContain("1 passed | 4 skipped");
  expect(stdout).toContain(
    "Skipped 3 tests, which need a boat (build one)\nSkipped 1 test, which needs oars (carve them)\n",
  );
});

test("no test is skipped without saying what it needs", () => {
  const tests = globSync("{apps,packages,test,bench}/**/*.test.ts", {
    cwd: root,
    exclude: (path) => path.endsWith("node_modules"),
  });
  expect(tests.length).toBeGreaterThan(100);
  const silent = tests.filter((path) =>
    /\.(?:skipIf|runIf|skip)\(/.test(readFileSync(join(root, path), "utf8")),
  );
  expect(silent.filter((path) => path !== "test/skip-report.test.ts")).toEqual([]);
});
