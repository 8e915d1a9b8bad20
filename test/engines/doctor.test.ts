import { execFile } from "node:child_process";
import { globSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

import { kustomize, needs } from "@kong-serverless/testing";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";

import type { Finding } from "../../apps/cli/src/doctor/diagnosis.ts";
import { renderAll, requireKustomize, root } from "../deploy/rendering.ts";
import { definitions } from "../observability/crd-schemas.ts";
import { ControlPlane } from "./control-plane.ts";
import { findEngines, realEngines } from "./engines.ts";
import { Keda, readDocuments } from "./keda.ts";

const engines = findEngines();
const command = engines && requireKustomize();
const schemas = process.env["CRD_SCHEMAS"] ?? "";
const minutes = 60_000;

/** Allowed findings until KEDA has scaled to zero, since no pod ever runs. */
const startingCodes = [
  "SCALED_OBJECT_NOT_READY",
  "TRIGGER_FAILING",
  "SIDECAR_NOT_INJECTED",
  "ENDPOINTS_MISSING",
];

describe(
  "the live doctor, on the real API server and KEDA",
  { timeout: 2 * minutes, ...needs(realEngines(), kustomize(), definitions("prometheus-operator")) },
  () => {
    const folder = mkdtempSync(join(tmpdir(), "engines-"));
    let cluster: ControlPlane;
    let keda: Keda;

    beforeAll(async () => {
      if (engines === undefined || command === undefined) return;
      cluster = await ControlPlane.start(engines, folder);
      keda = await Keda.start(engines, cluster);
      for (const file of globSync("{dapr,kong,prometheus}-*/*.yaml", { cwd: schemas })) {
        for (const object of readDocuments(join(schemas, file))) await cluster.api.apply(object);
      }
      for (const name of ["kong", "kong-serverless"]) {
        await cluster.api.apply({ apiVersion: "v1", kind: "Namespace", metadata: { name } });
      }
      for (const object of renderAll(command).get("base with instant-wake") ?? []) {
        // It takes a moment until a definition is served.
        await vi.waitFor(() => cluster.api.apply(object), { timeout: 20_000, interval: 200 });
      }
    }, 5 * minutes);
    afterAll(async () => {
      await keda?.stop();
      await cluster?.stop();
      rmSync(folder, { recursive: true });
    }, minutes);

    async function findings(): Promise<readonly Finding[]> {
      const main = join(root, "apps/cli/bin/kong-serverless.js");
      const args = [main, "doctor", "--context", "engines", "--kubeconfig", cluster.kubeconfig, "--json"];
      const { stdout } = await promisify(execFile)(process.execPath, args, { encoding: "utf8" }).catch(
        (error: { stdout: string }) => error,
      );
      return (JSON.parse(stdout) as { findings: Finding[] }).findings;
    }

    test("finds that no pods run, and nothing wrong with what is applied", async () => {
      const codes = new Set((await findings()).map(({ code }) => code));
      expect(codes).toContain("GATEWAY_NOT_READY");
      expect(codes).toContain("PUSH_TRIGGER_UNKNOWN");
      for (const code of ["GATEWAY_NOT_READY", "PUSH_TRIGGER_UNKNOWN", ...startingCodes]) codes.delete(code);
      expect([...codes]).toEqual([]);
    });
  },
);
