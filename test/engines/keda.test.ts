import { globSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { kustomize, needs } from "@kong-serverless/testing";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { kedaRefuses } from "../../apps/cli/src/doctor/rules/keda-refuses.ts";
import { ScriptedScaler } from "../../packages/keda-scaler/src/testing/index.ts";
import { Manifests, type System, toManifest } from "../../packages/manifests/src/index.ts";
import { freePort, sleep } from "../../packages/runtime/src/index.ts";
import { requireKustomize, renderAll } from "../deploy/rendering.ts";
import { definitions } from "../observability/crd-schemas.ts";
import type { ApiObject } from "./api-client.ts";
import { eventually, pushTrigger, specOf, tellStories } from "./contract/stories.ts";
import { ControlPlane } from "./control-plane.ts";
import { findEngines, realEngines } from "./engines.ts";
import { deploymentOf, scalingBy, KedaWorkload } from "./keda-workload.ts";
import { Keda, readDocuments } from "./keda.ts";
import { NumberServer } from "./number-server.ts";

const engines = findEngines();
const minutes = 60_000;
const cron = {
  type: "cron",
  name: "cron",
  metadata: { timezone: "UTC", start: "0 1 * * *", end: "0 2 * * *", desiredReplicas: "1" },
};
const cpu = { type: "cpu", metricType: "Utilization", metadata: { value: "50" } };

const jobTargetRef = {
  template: { spec: { containers: [{ name: "job", image: "none" }], restartPolicy: "Never" } },
};
const oauth2 = { type: "clientCredentials", clientId: "a", tokenUrl: "https://login.example/token" };

/** Specs that are refused. */
interface Refused {
  readonly kind?: "ScaledJob" | "TriggerAuthentication";
  readonly name?: string;
  readonly spec?: object;
  /** Applied first. */
  readonly beside?: ApiObject;
}

const login = (spec: object): Refused => ({ kind: "TriggerAuthentication", spec });

describe("on the real KEDA", { timeout: 3 * minutes, ...needs(realEngines()) }, () => {
  const folder = mkdtempSync(join(tmpdir(), "engines-"));
  let cluster: ControlPlane;
  let keda: Keda;

  beforeAll(async () => {
    if (engines === undefined) return;
    cluster = await ControlPlane.start(engines, folder);
    keda = await Keda.start(engines, cluster);
  }, 5 * minutes);
  afterAll(async () => {
    await keda?.stop();
    await cluster?.stop();
    if (process.env["KEEP_LOGS"] === undefined) rmSync(folder, { recursive: true });
    else process.stderr.write(`The engines' logs: ${folder}\n`);
  }, minutes);

  test.for<[what: string, refused: Refused, says: RegExp]>([
    [
      "more replicas at least than at most",
      { spec: { minReplicaCount: 6, maxReplicaCount: 5 } },
      /minReplicaCount must be less/,
    ],
    [
      "an idle count that is not below the least",
      { spec: { idleReplicaCount: 2, minReplicaCount: 1 } },
      /IdleReplicaCount=2/,
    ],
    ["two triggers of one name", { spec: { triggers: [cron, cron] } }, /"cron" is defined multiple times/],
    [
      "two triggers of one name for jobs",
      { kind: "ScaledJob", spec: { triggers: [cron, cron], jobTargetRef } },
      /"cron" is defined multiple times/,
    ],
    [
      "cached metrics for cron",
      { spec: { triggers: [{ ...cron, useCachedMetrics: true }] } },
      /useCachedMetrics/,
    ],
    ["a name that is no label's value", { name: "n".repeat(64) }, /64 characters long/],
    [
      "a name too long for its autoscaler's",
      { name: "n".repeat(60) },
      /HPA name "keda-hpa-n+" .* 69 characters/,
    ],
    [
      "an autoscaler's name that is too long",
      { spec: { advanced: { horizontalPodAutoscalerConfig: { name: "n".repeat(64) } } } },
      /HPA name "n+" .* 64 characters/,
    ],
    [
      "an autoscaler's name that another one has",
      {
        spec: { advanced: { horizontalPodAutoscalerConfig: { name: "keda-hpa-other" } } },
        beside: {
          apiVersion: "keda.sh/v1alpha1",
          kind: "ScaledObject",
          metadata: { name: "other", namespace: "refused" },
          spec: {
            scaleTargetRef: { name: "other" },
            triggers: [cron],
            advanced: { horizontalPodAutoscalerConfig: { name: "keda-hpa-other" } },
          },
        },
      },
      /HPA 'keda-hpa-other' is already managed/,
    ],
    ["zero with a CPU trigger alone", { spec: { triggers: [cpu] } }, /minReplica is 0/],
    [
      "a memory trigger for a container that requests none",
      { spec: { triggers: [cron, { ...cpu, type: "memory" }] } },
      /container app doesn't have the memory request/,
    ],
    [
      "a fallback for a CPU trigger alone",
      { spec: { minReplicaCount: 1, triggers: [cpu], fallback: { failureThreshold: 3, replicas: 2 } } },
      /for the fallback to be enabled/,
    ],
    [
      "a fallback by formula without a formula",
      { spec: { fallback: { failureThreshold: 3, replicas: 2, behavior: "scalingModifiers" } } },
      /requires scalingModifiers.formula/,
    ],
    [
      "modifiers without a formula",
      { spec: { advanced: { scalingModifiers: { target: "1" } } } },
      /ScalingModifiers.Formula is mandatory/,
    ],
    [
      "a formula without a target",
      { spec: { advanced: { scalingModifiers: { formula: "cron" } } } },
      /formula is given but target is empty/,
    ],
    [
      "a formula whose target is zero",
      { spec: { advanced: { scalingModifiers: { formula: "cron", target: "0" } } } },
      /error converting target/,
    ],
    [
      "a formula that names no trigger",
      { spec: { advanced: { scalingModifiers: { formula: "nobody + 1", target: "1" } } } },
      /error validating formula/,
    ],
    [
      "a role for workloads that bring their own identity",
      login({
        podIdentity: { provider: "aws", roleArn: "arn:aws:iam::1:role/a", identityOwner: "workload" },
      }),
      /roleArn of PodIdentity can't be set/,
    ],
    [
      "an external ID without a role",
      login({ podIdentity: { provider: "aws", externalID: "a" } }),
      /externalID of PodIdentity requires roleArn/,
    ],
    [
      "an empty identity",
      login({ podIdentity: { provider: "azure-workload", identityId: "" } }),
      /identityId of PodIdentity should not be empty/,
    ],
    [
      "an authority without a tenant",
      login({ podIdentity: { provider: "azure-workload", identityAuthorityHost: "login.example" } }),
      /identityTenantID of PodIdentity should not be nil/,
    ],
    [
      "a login without a client",
      login({ oauth2: { ...oauth2, clientId: "" } }),
      /oauth2.clientId is required/,
    ],
    [
      "a login at no web address",
      login({ oauth2: { ...oauth2, tokenUrl: "ftp://login.example" } }),
      /oauth2.tokenUrl must be a valid http/,
    ],
  ])("KEDA refuses %s, as the doctor predicts", async ([, refused, says]) => {
    const { kind = "ScaledObject", name = "refused", spec = {}, beside } = refused;
    const own =
      kind === "ScaledObject" ? { triggers: [cron], scaleTargetRef: { name: "refused" }, ...spec } : spec;
    const namespace = "refused";
    const object: ApiObject = {
      apiVersion: "keda.sh/v1alpha1",
      kind,
      metadata: { name, namespace },
      spec: own,
    };
    await cluster.api.apply({ apiVersion: "v1", kind: "Namespace", metadata: { name: namespace } });
    const workload = deploymentOf(namespace, 0);
    await cluster.api.apply(workload);
    if (beside !== undefined) await cluster.api.apply(beside);
    await expect(cluster.api.apply(object)).rejects.toThrow(says);
    const objects = [workload, object, ...(beside === undefined ? [] : [beside])];
    const manifests = new Manifests(objects.flatMap((each) => toManifest(each, []) ?? []));
    expect([...kedaRefuses.check({ manifests } as System)]).not.toEqual([]);
  });

  const command = engines && requireKustomize();
  const schemas = process.env["CRD_SCHEMAS"] ?? "";
  test(
    "everything that is shipped is accepted by the API server's strict validation and by KEDA's webhook",
    needs(kustomize(), definitions("prometheus-operator")),
    async () => {
      for (const file of globSync("{dapr,kong,prometheus}-*/*.yaml", { cwd: schemas })) {
        for (const object of readDocuments(join(schemas, file))) await cluster.api.apply(object);
      }
      for (const name of ["kong", "kong-serverless"]) {
        await cluster.api.apply({ apiVersion: "v1", kind: "Namespace", metadata: { name } });
      }
      let applied = 0;
      for (const [rendering, objects] of renderAll(command ?? [])) {
        for (const object of objects) {
          const isNew = async () =>
            cluster.api
              .apply(object, { isDryRun: true })
              .catch((error: Error) => `${rendering}: ${error.message}`);
          // It takes a moment until a definition is served.
          await expect.poll(isNew, { timeout: 20_000 }).toMatchObject({ kind: object.kind });
          applied += 1;
        }
      }
      process.stderr.write(`The real KEDA: ${applied} objects of every rendering are accepted\n`);
    },
  );

  tellStories({
    who: "the real KEDA",
    scaling: () => scalingBy(cluster.api),
    pushes: 50,
    halfWithinMs: 250,
    crashes: 4,
    isConcurrent: false,
  });

  test("pushes of a scaler that was missing at first are dropped until the ScaledObject changes", async () => {
    const port = await freePort();
    await using queue = await NumberServer.start();
    const spec = specOf([queue.trigger("queue"), pushTrigger(port)], { pollingInterval: 600 });
    await using target = await KedaWorkload.create(cluster.api, { name: "dropped", spec });
    await expect.poll(() => target.metricNames(), eventually).toEqual(["s0-metric-api-value"]);
    await using scaler = await ScriptedScaler.start(port);
    await expect.poll(() => scaler.streams, eventually).toBe(1);
    scaler.push(true);
    await sleep(2_000);
    expect(await target.replicas()).toBe(0);
    await cluster.api.patch(target.path, { spec: { cooldownPeriod: 60 } });
    await expect.poll(() => target.metricNames(), eventually).toHaveLength(2);
    await expect
      .poll(() => {
        scaler.push(true);
        return target.replicas();
      }, eventually)
      .toBe(1);
  });
});
