import { cp, mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { readManifests } from "@kong-serverless/manifests";
import {
  kustomize,
  needs,
  type ManifestCase,
  manifestCases,
  oneNamespaceFolder,
  readAsOneText,
  refusedManifests,
} from "@kong-serverless/testing";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { workspaceFolder } from "../workspace.ts";
import { type Cluster, joinCluster } from "./cluster.ts";
import { formatNotPlayed } from "./not-played.ts";

const baseFolder = join(workspaceFolder, "deploy/base");
const base = readAsOneText(baseFolder);

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "cases-"));
});
afterAll(() => rm(folder, { recursive: true }));

const play = async (file: string) =>
  joinCluster(
    await readManifests(
      { files: [file] },
      {
        root: workspaceFolder,
        cwd: folder,
        kustomize: undefined,
        stdin: process.stdin,
        signal: new AbortController().signal,
      },
    ),
  );
const playText = async (text: string | Buffer) => {
  await writeFile(join(folder, "case.yaml"), text);
  return play("case.yaml");
};

/** The visible part of a cluster: what scales each target, and where requests go. */
const gist = ({ scaleTargets, routes }: Cluster) => ({
  targets: scaleTargets
    .map(({ name, scaledObject, backend, deployment }) => ({
      name,
      backend: backend?.name,
      triggers: scaledObject.spec.triggers.map((trigger) =>
        trigger.type === "aws-sqs-queue" ? trigger.metadata.queueURL : trigger.type,
      ),
      pods: deployment.spec.template.metadata,
    }))
    .toSorted((one, other) => one.name.localeCompare(other.name)),
  routes: routes.map(({ host, path, service, servicePort, plugin }) => ({
    host,
    path,
    service: service.metadata.name,
    servicePort,
    plugin: plugin?.metadata.name,
  })),
});
type Gist = ReturnType<typeof gist>;
const same = (shipped: Gist) => shipped;
const withoutPlugin = ({ routes, targets }: Gist): Gist => ({
  targets,
  routes: routes.map((route) => ({ ...route, plugin: undefined })),
});
const without =
  (target: string) =>
  ({ routes, targets }: Gist): Gist => ({ routes, targets: targets.filter(({ name }) => name !== target) });

/** What is played, and exactly what is reported as not played. */
const right: Readonly<Record<ManifestCase, readonly [played: (shipped: Gist) => Gist, ...told: RegExp[]]>> = {
  "an unquoted number in a trigger (keda#1955)": [
    ({ routes, targets }) => ({
      routes,
      targets: targets.map((target) => ({
        ...target,
        triggers: target.triggers.filter((trigger) => trigger !== "wake-demo-backend"),
      })),
    }),
    /triggers\[0\]: metadata.queueLength: .*expected string.*the other triggers decide/,
  ],
  "an unquoted and too large number in an environment": [
    without("consumer"),
    /found 5000; .*expected string/,
    /consumer.*it does not run/,
  ],
  "a queue's URL in the consumer's own variable (keda#6712)": [same],
  "a plugin of another namespace that grants it (KIC#5965)": [same],
  "a plugin of another namespace that does not": [withoutPlugin, /does not grant it/],
  "a plugin through an HTTPRoute's filter (KIC#4838)": [same],
  "an HTTPRoute to a port that is not there": [
    ({ targets }) => ({ targets, routes: [] }),
    /found 81; allowed: a port of Service demo-backend \(80\)/,
  ],
  "an HTTPRoute to a Service of another namespace that grants it": [same],
  "an HTTPRoute to a Service of another namespace that does not": [
    ({ targets }) => ({ targets, routes: [] }),
    /Service demo-backend does not grant it/,
  ],
  "a least count above the most": [same],
  "labels by a merge key (kustomize#4144)": [same],
  "an environment through envFrom": [same],
  "a variable made of another one": [same],
  "a setting of the ScaledObject in a trigger's metadata (keda-docs#302)": [
    same,
    /metadata.cooldownPeriod: .*it is ignored/,
  ],
  "queue URLs of another region (keda#6128)": [same],
  "another plugin beside, which a platform may have for the whole cluster": [
    same,
    /the plugin rate-limit is not among/,
  ],
  "two plugins in one annotation": [same, /rate-limiting is Kong's/],
  "the plugin on the Service": [same],
  "the plugin on every request, by a label": [same],
  "a label for every request, on a plugin of one namespace": [withoutPlugin],
  "a trailing separator with a comment": [same],
  "a List, as kubectl get prints one": [same],
  "a paused ScaledObject (keda#6467)": [same, /paused.*stays at 0/],
  "a cpu trigger beside (keda#5357)": [same, /no cpu trigger/],
  "a cpu trigger without a request for cpu": [same, /no cpu trigger/],
  "a port by its name": [same],
  "a queue by its whole URL": [same],
  "a custom resource that is scaled": [without("consumer"), /found "Rollout"/, /consumer.*it does not run/],
  "a trigger of another kind beside": [same, /no prometheus trigger/],
};

describe("playing what people write", () => {
  it.each(manifestCases)("gives the right answer to %s", async (what, edit) => {
    const shipped = gist(await playText(base));
    const [played, ...told] = right[what];
    const cluster = await playText(edit(base));
    expect(cluster.notPlayed.map(formatNotPlayed)).toEqual(told.map((text) => expect.stringMatching(text)));
    expect(gist(cluster)).toEqual(played(shipped));
  });

  it.each(refusedManifests)("refuses %s, and says where and why", async (_, edit, message) => {
    await expect(playText(edit(base))).rejects.toMatchObject({
      code: "CONFIG_INVALID",
      message: expect.stringMatching(message),
    });
  });

  it("reads kustomization.yml", async () => {
    const yml = join(folder, "yml");
    await cp(baseFolder, yml, { recursive: true });
    await rename(join(yml, "kustomization.yaml"), join(yml, "kustomization.yml"));
    expect(gist(await play("yml"))).toEqual(gist(await playText(base)));
  });

  it("plays a folder in the namespace that its kustomization sets", needs(kustomize()), async () => {
    const { scaleTargets, routes, notPlayed } = await play(oneNamespaceFolder);
    expect(notPlayed).toEqual([]);
    expect(scaleTargets).toMatchObject([
      {
        backend: { name: "web" },
        deployment: { metadata: { namespace: "team-a" } },
        scaledObject: { metadata: { namespace: "team-a" } },
      },
    ]);
    expect(routes).toMatchObject([{ name: "team-a.web.0.0", plugin: { metadata: { namespace: "team-a" } } }]);
  });
});
