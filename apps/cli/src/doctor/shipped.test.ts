import { globSync } from "node:fs";
import { copyFile, cp, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import {
  gatewayValuesFor,
  readGateway,
  readGatewayValues,
  readManifests,
  readSystem,
} from "@kong-serverless/manifests";
import { kustomize, needs } from "@kong-serverless/testing";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { readOptions } from "../testing/read-options.ts";
import { workspaceRoot } from "../testing/workspace-root.ts";
import { diagnose } from "./diagnose.ts";

const overlays = globSync("*", { cwd: join(workspaceRoot, "deploy/overlays") });
const components = globSync("*", { cwd: join(workspaceRoot, "deploy/components") });
/** A copy of deploy with the secrets that Git ignores made from their examples. */
let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "overlays-"));
  await cp(join(workspaceRoot, "deploy"), join(root, "deploy"), { recursive: true });
  for (const example of globSync("deploy/**/*.example", { cwd: root })) {
    await copyFile(join(root, example), join(root, example.replace(/\.example$/, "")));
  }
});
afterAll(() => rm(root, { recursive: true }));

const diagnoseOverlay = async (overlay: string, valuesOf = overlay) => {
  const manifests = await readManifests({ overlay }, readOptions({ root }));
  const gateway = readGateway(await readGatewayValues(await gatewayValuesFor(valuesOf, root)));
  return diagnose(readSystem(manifests, gateway));
};

describe("what is shipped", () => {
  test("is found to be fine in deploy/base", async () => {
    expect(await diagnoseOverlay("base")).toEqual({ ok: true, findings: [], skipped: [] });
  });

  test.each(overlays)("is found to be fine in overlay %s", needs(kustomize()), async (overlay) => {
    expect(await diagnoseOverlay(overlay)).toMatchObject({ ok: true, findings: [] });
  });

  test.each(["dev", "staging"])(
    "is found to be fine in overlay %s with component fair-jobs",
    needs(kustomize()),
    async (name) => {
      const overlay = join(root, "deploy/overlays", `${name}-fair-jobs`);
      await cp(join(root, "deploy/overlays", name), overlay, { recursive: true });
      const file = join(overlay, "kustomization.yaml");
      const text = await readFile(file, "utf8");
      const listed = text.replace("\ncomponents:\n", "$&  - ../../components/fair-jobs\n");
      const list = "components: [../../components/fair-jobs]\n";
      await writeFile(file, listed === text ? text + list : listed);
      expect(await diagnoseOverlay(`${name}-fair-jobs`, name)).toMatchObject({ ok: true, findings: [] });
    },
  );

  test.each(components)(
    "is found to be fine in deploy/base with component %s alone",
    needs(kustomize()),
    async (component) => {
      const overlay = join(root, "deploy/overlays", `with-${component}`);
      await mkdir(overlay);
      await writeFile(
        join(overlay, "kustomization.yaml"),
        `resources: [../../base]\ncomponents: [../../components/${component}]\n`,
      );
      expect(await diagnoseOverlay(`with-${component}`)).toEqual({ ok: true, findings: [], skipped: [] });
    },
  );
});
