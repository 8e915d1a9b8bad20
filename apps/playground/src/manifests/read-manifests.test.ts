import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterEach, beforeEach, describe, expect, it } from "vitest";

import { workspaceFolder } from "../workspace.ts";
import { joinCluster } from "./cluster.ts";
import { readManifests } from "./read-manifests.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "manifests-"));
});
afterEach(() => rm(folder, { recursive: true }));

const read = async (files: Record<string, string>) => {
  const list = Object.keys(files).map((name) => `  - ${name}\n`);
  await writeFile(join(folder, "kustomization.yaml"), `resources:\n${list.join("")}`);
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
  return readManifests({ path: folder, shown: "deploy/base" });
};

const scaledObject = (spec: string) =>
  `apiVersion: keda.sh/v1alpha1\nkind: ScaledObject\nmetadata: {name: web}\nspec: ${spec}\n`;
const sqs = "{type: aws-sqs-queue, metadata: {queueURL: wake, awsRegion: eu-west-1}}";
const component =
  "apiVersion: dapr.io/v1alpha1\nkind: Component\nmetadata: {name: p}\nspec: {type: pubsub.aws.snssqs, version: v1, metadata: []}\n";

const shipped = (shown: string) => ({ path: join(workspaceFolder, shown), shown });

describe("reading manifests", () => {
  it("reads the shipped base, whose names all lead somewhere and of which everything is played", async () => {
    const manifests = await readManifests({
      path: join(workspaceFolder, "deploy/base"),
      shown: "deploy/base",
    });
    const cluster = joinCluster(manifests);
    expect(cluster.scaleTargets.map(({ name, backend }) => [name, backend?.name])).toEqual([
      ["demo-backend", "demo-backend"],
      ["consumer", undefined],
    ]);
    expect(manifests.notHonoured).toEqual([]);
  });

  it("adds what a component brings and changes, the shipped one for instant wakes for one", async () => {
    const manifests = await readManifests(shipped("deploy/base"), [
      shipped("deploy/components/instant-wake"),
    ]);
    const [demo] = joinCluster(manifests).scaleTargets;
    expect(demo?.scaledObject.spec.triggers.map(({ type }) => type)).toEqual([
      "aws-sqs-queue",
      "metrics-api",
      "external-push",
    ]);
    expect(manifests.notHonoured).toEqual([]);
  });

  it("refuses a component that changes what is not there", async () => {
    const files = { "web.yaml": scaledObject(`{scaleTargetRef: {name: web}, triggers: [${sqs}]}`) };
    await read(files);
    const path = join(workspaceFolder, "deploy/components/instant-wake");
    await expect(
      readManifests({ path: folder, shown: "deploy/base" }, [{ path, shown: "instant-wake" }]),
    ).rejects.toThrow("instant-wake/push-trigger.yaml");
  });

  it("names the file, the path, what was found and what is allowed", async () => {
    const files = {
      "web.yaml": scaledObject(`{scaleTargetRef: {name: web}, pollingInterval: 0, triggers: [${sqs}]}`),
    };
    await expect(read(files)).rejects.toThrow(
      /deploy\/base\/web.yaml \(ScaledObject web\)[^]*spec\.pollingInterval: found 0; .*>=1/,
    );
  });

  it("says where a file is not YAML, and which file is missing", async () => {
    await expect(read({ "web.yaml": "a: [1" })).rejects.toThrow(/deploy\/base\/web.yaml[^]*not YAML/);
    await writeFile(join(folder, "kustomization.yaml"), "resources: [gone.yaml]");
    await expect(readManifests({ path: folder, shown: "deploy/base" })).rejects.toThrow(
      /deploy\/base\/gone.yaml[^]*ENOENT/,
    );
  });

  it("tells every field and resource that it does not play", async () => {
    const manifests = await read({
      "web.yaml": scaledObject(`{scaleTargetRef: {name: web}, idleReplicaCount: 0, triggers: [${sqs}]}`),
      "job.yaml": "apiVersion: batch/v1\nkind: Job\nmetadata: {name: once}\n",
    });
    expect(manifests.notHonoured).toEqual([
      "deploy/base/web.yaml (ScaledObject web): spec.idleReplicaCount",
      "deploy/base/job.yaml (Job once): the whole resource",
    ]);
  });

  it("refuses a name that leads nowhere, and says which there are", async () => {
    const manifests = await read({
      "web.yaml": scaledObject(`{scaleTargetRef: {name: wbe}, triggers: [${sqs}]}`),
      "component.yaml": component,
    });
    expect(() => joinCluster(manifests)).toThrow(
      /spec\.scaleTargetRef\.name[^]*found "wbe"; allowed in namespace default: none is defined/,
    );
  });
});
