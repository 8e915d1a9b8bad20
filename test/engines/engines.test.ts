import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect, onTestFinished, test } from "vitest";

import { engineNames, kedaVersion } from "./engines.ts";

const root = join(import.meta.dirname, "../..");

test.each([
  ["skaffold.yaml", /keda[^]*?version: (\S+)/],
  [".github/workflows/ci.yaml", /KEDA_VERSION: (\S+)/],
  ["deploy/platform/keda/values.yaml", /kedacore\/keda (\d\S+),/],
])("the engines have the KEDA of %s", (file, version) => {
  const [, found = ""] = version.exec(readFileSync(join(root, file), "utf8")) ?? [];
  expect(`v${found}`).toBe(kedaVersion);
});

/** Runs scripts/build-engines.ts with an empty engine folder and, at most, this machine's Node. */
function buildEngines(...args: string[]) {
  const folder = mkdtempSync(join(tmpdir(), "engines-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const env = { PATH: "", HOME: folder, ENGINES: join(folder, "built") };
  return spawnSync(process.execPath, [join(root, "scripts/build-engines.ts"), ...args], {
    env,
    encoding: "utf8",
  });
}

test("the build explains itself", () => {
  const { status, stdout } = buildEngines("--help");
  expect(status).toBe(0);
  for (const name of engineNames) expect(stdout).toContain(name);
  expect(stdout).toContain(kedaVersion);
});

test("the build rejects unknown names, and says what it needs", () => {
  const unknown = buildEngines("kubelet");
  expect([unknown.status, unknown.stderr]).toEqual([
    1,
    expect.stringContaining("kubelet: allowed are kube-"),
  ]);
  const withoutGo = buildEngines("keda");
  expect([withoutGo.status, withoutGo.stderr]).toEqual([1, expect.stringContaining("https://go.dev/dl")]);
});
