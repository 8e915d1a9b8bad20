import { readdirSync, readFileSync } from "node:fs";
import { appendFile, cp, mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import {
  kustomize,
  needs,
  type ManifestCase,
  manifestCases,
  oneNamespaceFolder,
  readAsOneText,
  refusedManifests,
} from "@kong-serverless/testing";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { runCli } from "../testing/run-cli.ts";
import { workspaceRoot } from "../testing/workspace-root.ts";
import type { Diagnosis } from "./diagnosis.ts";

const baseFolder = join(workspaceRoot, "deploy/base");
const base = readAsOneText(baseFolder);
const parts = readdirSync(baseFolder).filter((file) => file !== "kustomization.yaml");

/** The findings that are right. */
const right: Readonly<Record<ManifestCase, readonly string[]>> = {
  "an unquoted number in a trigger (keda#1955)": ["FIELD_TYPE_WRONG"],
  "an unquoted and too large number in an environment": ["FIELD_TYPE_WRONG", "ENVIRONMENT_INVALID"],
  "a queue's URL in the consumer's own variable (keda#6712)": [],
  "a plugin of another namespace that grants it (KIC#5965)": [],
  "a plugin of another namespace that does not": ["PLUGIN_NOT_GRANTED"],
  "a plugin through an HTTPRoute's filter (KIC#4838)": [],
  "an HTTPRoute to a port that is not there": ["SERVICE_NOT_FOUND"],
  "an HTTPRoute to a Service of another namespace that grants it": [],
  "an HTTPRoute to a Service of another namespace that does not": ["SERVICE_NOT_GRANTED"],
  "a least count above the most": ["KEDA_REFUSES"],
  "labels by a merge key (kustomize#4144)": [],
  "an environment through envFrom": [],
  "a variable made of another one": [],
  "a setting of the ScaledObject in a trigger's metadata (keda-docs#302)": ["FIELD_MISPLACED"],
  "queue URLs of another region (keda#6128)": ["REGION_MISMATCH"],
  "another plugin beside, which a platform may have for the whole cluster": [],
  "two plugins in one annotation": [],
  "the plugin on the Service": [],
  "the plugin on every request, by a label": [],
  "a label for every request, on a plugin of one namespace": ["PLUGIN_UNUSED"],
  "a trailing separator with a comment": [],
  "a List, as kubectl get prints one": [],
  "a paused ScaledObject (keda#6467)": ["SCALED_OBJECT_PAUSED"],
  "a cpu trigger beside (keda#5357)": [],
  "a cpu trigger without a request for cpu": ["KEDA_REFUSES"],
  "a port by its name": [],
  "a queue by its whole URL": [],
  "a custom resource that is scaled": [],
  "a trigger of another kind beside": [],
};

const diagnose = async (input: string) => {
  const { code, stdout } = await runCli(
    [
      "doctor",
      "--file",
      "-",
      "--json",
      "--kong-values",
      join(workspaceRoot, "deploy/platform/kong/values.yaml"),
    ],
    { input },
  );
  return { code, ...(JSON.parse(stdout) as Diagnosis) };
};

// The command is loaded when it is first used.
beforeAll(() => import("./doctor-command.ts"));

describe("doctor, on what people write", () => {
  test("finds nothing in the base as one text", async () => {
    expect(await diagnose(base)).toEqual({ code: 0, ok: true, findings: [], skipped: [] });
  });

  test.each(manifestCases)("gives the right answer to %s", async (what, edit) => {
    const { findings, code } = await diagnose(edit(base));
    const codes = right[what];
    expect(new Set(findings.map((finding) => finding.code))).toEqual(new Set(codes));
    expect(findings.every(({ where }) => (where.line ?? 0) > 0)).toBe(true);
    expect(code).toBe(codes.length === 0 ? 0 : 1);
  });

  test("does not report what it cannot know as wrong, and says so", async () => {
    const rollout = "scaleTargetRef: { kind: Rollout, name: consumer }";
    const { ok, skipped } = await diagnose(
      base
        .replace(/scaleTargetRef:\n\s+name: consumer/, rollout)
        .replace("konghq.com/plugins: serverless", "konghq.com/plugins: rate-limit, serverless"),
    );
    expect(ok).toBe(true);
    expect(skipped).toEqual([
      expect.stringContaining("plugin rate-limit"),
      expect.stringContaining("Rollout kong-serverless/consumer"),
    ]);
  });

  test.each(parts)("reports nothing in %s alone, as the rest may be applied elsewhere", async (part) => {
    const { findings } = await diagnose(readFileSync(join(baseFolder, part), "utf8"));
    expect(findings.map(({ code }) => code).filter((code) => code !== "NOTHING_FOUND")).toEqual([]);
  });

  test("reports what is missing from a part of the system", async () => {
    const { skipped } = await diagnose(readFileSync(join(baseFolder, "demo-backend-route.yaml"), "utf8"));
    expect(skipped.join("\n")).toMatch(/Component[^]*Service[^]*ScaledObject/);
  });

  test("prints SARIF with the line of each finding", async () => {
    const { stdout, code } = await runCli(["doctor", "--file", "-", "--sarif"], {
      input: base.replace("minReplicaCount: 0", "minReplicaCount: 6"),
    });
    const sarif = JSON.parse(stdout) as { version: string; runs: { results: object[] }[] };
    expect(sarif.version).toBe("2.1.0");
    expect(sarif.runs[0]?.results).toMatchObject([
      {
        ruleId: "KEDA_REFUSES",
        level: "error",
        locations: [
          {
            physicalLocation: {
              artifactLocation: { uri: "stdin" },
              region: { startLine: expect.any(Number) },
            },
          },
        ],
      },
    ]);
    expect(code).toBe(1);
  });

  test("escapes control characters from manifests", async () => {
    const { stdout } = await runCli(["doctor", "--file", "-"], {
      input: base.replace("queueURL: jobs", 'queueURL: "wo\\e[2Jrk\\nnothing found."'),
    });
    expect(stdout).toContain("wo\\u001b[2Jrk\\u000anothing found.");
    expect(stdout).not.toContain("\u001B");
  });
});

describe("doctor, on folders and on what cannot be read", () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "cases-"));
  });
  afterAll(() => rm(folder, { recursive: true }));
  const doctor = (...parameters: string[]) => runCli(["doctor", ...parameters], { cwd: folder });

  test.each(refusedManifests)("rejects %s, and says where and why", async (_, edit, message) => {
    await writeFile(join(folder, "refused.yaml"), edit(base));
    const refusing = doctor("--file", "refused.yaml");
    await expect(refusing).rejects.toMatchObject({
      code: "CONFIG_INVALID",
      message: expect.stringMatching(message),
    });
  });

  test("reads kustomization.yml", async () => {
    const yml = join(folder, "yml");
    await cp(join(workspaceRoot, "deploy/base"), yml, { recursive: true });
    await rename(join(yml, "kustomization.yaml"), join(yml, "kustomization.yml"));
    expect(await doctor("--file", "yml")).toMatchObject({
      code: 0,
      stdout: expect.stringContaining("nothing found"),
    });
  });

  test("reads the namespace that a kustomization sets for all objects", needs(kustomize()), async () => {
    const { code, stdout } = await doctor("--file", oneNamespaceFolder, "--json");
    const { findings, skipped } = JSON.parse(stdout) as Diagnosis;
    expect({ code, findings }).toEqual({ code: 0, findings: [] });
    expect(skipped).toEqual([expect.stringContaining("ScaledObject team-a/web asks")]);
  });

  test("reports what kustomize refuses when one namespace is set over two", needs(kustomize()), async () => {
    const cramped = join(folder, "cramped");
    await cp(join(workspaceRoot, "deploy/base"), cramped, { recursive: true });
    await appendFile(join(cramped, "kustomization.yaml"), "namespace: team-a\n");
    await expect(doctor("--file", "cramped")).rejects.toMatchObject({
      code: "KUSTOMIZE_FAILED",
      message: expect.stringMatching(/cramped: .*ID conflict/),
    });
  });
});
