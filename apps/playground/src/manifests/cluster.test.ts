import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { readManifests } from "@kong-serverless/manifests";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

import { readPause } from "../autoscaler/pause.ts";
import { workspaceFolder } from "../workspace.ts";
import { joinCluster } from "./cluster.ts";
import { addComponent } from "./component.ts";
import { formatNotPlayed } from "./not-played.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "manifests-"));
});
afterEach(() => rm(folder, { recursive: true }));

const read = () =>
  readManifests(
    { files: ["."] },
    {
      root: workspaceFolder,
      cwd: folder,
      kustomize: undefined,
      stdin: process.stdin,
      signal: new AbortController().signal,
    },
  );
const play = async () => joinCluster(await read());
const playFiles = async (files: Record<string, string>) => {
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
  return play();
};
/** The base with one file changed. */
const playBase = async (file?: string, change: (text: string) => string = (text) => text) => {
  await cp(join(workspaceFolder, "deploy/base"), folder, { recursive: true });
  if (file !== undefined) {
    const before = await readFile(join(folder, file), "utf8");
    const after = change(before);
    expect(after).not.toBe(before);
    await writeFile(join(folder, file), after);
  }
  return play();
};
const told = ({ notPlayed }: Awaited<ReturnType<typeof play>>) => notPlayed.map(formatNotPlayed);

const scaledObject = (spec: string) =>
  `apiVersion: keda.sh/v1alpha1\nkind: ScaledObject\nmetadata: {name: web}\nspec: ${spec}\n`;
const sqs = "{type: aws-sqs-queue, metadata: {queueURL: wake, awsRegion: eu-west-1}}";

describe("joining the manifests", () => {
  it("plays all of the shipped base, in which every reference resolves", async () => {
    const cluster = await playBase();
    expect(cluster.scaleTargets.map(({ name, backend }) => [name, backend?.name])).toEqual(
      [
        ["consumer", undefined],
        ["demo-backend", "demo-backend"],
      ].toReversed(),
    );
    expect(told(cluster)).toEqual([]);
  });

  it("names the file, the path, what was found and what is allowed if nothing is left to play", async () => {
    const files = {
      "web.yaml": scaledObject(`{scaleTargetRef: {name: web}, pollingInterval: 0, triggers: [${sqs}]}`),
    };
    await expect(playFiles(files)).rejects.toThrow(
      /Nothing is left to play[^]*web.yaml:1 \(ScaledObject default\/web\)[^]*spec\.pollingInterval: found 0; .*>=1/,
    );
  });

  it("names a reference that does not resolve, and what there is", async () => {
    const files = { "web.yaml": scaledObject(`{scaleTargetRef: {name: wbe}, triggers: [${sqs}]}`) };
    await expect(playFiles(files)).rejects.toThrow(
      /spec\.scaleTargetRef\.name[^]*found "wbe"; allowed in namespace default: none is defined/,
    );
  });

  it("lists every field and resource that it does not play, with its line, and plays the rest", async () => {
    const cluster = await playBase("consumer-scaledobject.yaml", (text) =>
      text
        .replace("maxReplicaCount: 5", "maxReplicaCount: 5\n  idleReplicaCount: 0")
        .concat("---\napiVersion: batch/v1\nkind: Job\nmetadata: {name: once}\n"),
    );
    expect(told(cluster)).toEqual([
      expect.stringMatching(
        /consumer-scaledobject.yaml:\d+ \(Job default\/once\): the whole object: .*does not play its kind/,
      ),
      expect.stringMatching(
        /consumer-scaledobject.yaml:\d+ \(ScaledObject kong-serverless\/consumer\): spec.idleReplicaCount: .*does not play it/,
      ),
    ]);
    expect(cluster.scaleTargets).toHaveLength(2);
  });
});

describe("a component", () => {
  const shown = "deploy/components/instant-wake";
  const instantWake = { path: join(workspaceFolder, shown), shown };

  it("adds and patches resources, like the shipped one for instant wakes", async () => {
    await playBase();
    const cluster = joinCluster(await addComponent(await read(), instantWake));
    const demo = cluster.scaleTargets.find(({ name }) => name === "demo-backend");
    expect(demo?.scaledObject.spec.triggers.map(({ type }) => type)).toEqual([
      "aws-sqs-queue",
      "metrics-api",
      "external-push",
    ]);
    expect(cluster.scalerPort).toBe(8091);
    expect(told(cluster)).toEqual([]);
  });

  describe("for a chain", () => {
    const shownChain = "deploy/components/chain";
    const chain = { path: join(workspaceFolder, shownChain), shown: shownChain };

    it("adds a second service behind the first", async () => {
      await playBase();
      const cluster = joinCluster(await addComponent(await read(), chain));
      expect(
        cluster.scaleTargets.map(({ name, backend }) => [name, backend?.name, backend?.waitFor]),
      ).toEqual(
        expect.arrayContaining([
          ["demo-backend", "demo-backend", ["demo-store"]],
          ["demo-store", "demo-store", undefined],
        ]),
      );
      expect(told(cluster)).toEqual([]);
    });

    it("has both services woken by pushes", async () => {
      await playBase();
      const cluster = joinCluster(await addComponent(await addComponent(await read(), chain), instantWake));
      const pushed = cluster.scaleTargets.filter(({ scaledObject: { spec } }) =>
        spec.triggers.some(({ type }) => type === "external-push"),
      );
      expect(pushed.map(({ name }) => name)).toEqual(["demo-backend", "demo-store"]);
      expect(told(cluster)).toEqual([]);
    });
  });

  it("is refused if it patches something that is not there", async () => {
    await writeFile(
      join(folder, "web.yaml"),
      scaledObject(`{scaleTargetRef: {name: web}, triggers: [${sqs}]}`),
    );
    await expect(addComponent(await read(), instantWake)).rejects.toThrow("instant-wake/push-trigger.yaml");
  });
});

const routeFile = "demo-backend-route.yaml";
const scalerFile = "demo-backend-scaledobject.yaml";

describe("what people write", () => {
  it("is played with our plugin of two, and the other one is named", async () => {
    const cluster = await playBase(routeFile, (text) =>
      text
        .replace("konghq.com/plugins: ", "konghq.com/plugins: rate-limit, unknown, ")
        .concat(
          "---\napiVersion: configuration.konghq.com/v1\nkind: KongPlugin\nmetadata: {name: rate-limit, namespace: kong-serverless}\nplugin: rate-limiting\n",
        ),
    );
    expect(cluster.routes.map(({ plugin }) => plugin?.metadata.name)).toEqual(["serverless-demo-backend"]);
    expect(told(cluster)).toEqual([
      expect.stringContaining("rate-limiting is Kong's"),
      expect.stringContaining("the plugin unknown is not among the manifests"),
    ]);
  });

  it("is played through an HTTPRoute, by the Service's port", async () => {
    const cluster = await playBase(routeFile, (text) =>
      text.replace(
        /apiVersion: networking[^]*/,
        `apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: { name: demo, namespace: kong-serverless }
spec:
  hostnames: [a.example, b.example]
  rules:
    - matches: [{ path: { type: PathPrefix, value: /api }, method: GET }]
      filters:
        - type: ExtensionRef
          extensionRef: { group: configuration.konghq.com, kind: KongPlugin, name: serverless-demo-backend }
      backendRefs: [{ name: demo-backend, port: 80 }]
`,
      ),
    );
    expect(
      cluster.routes.map(({ host, path, servicePort, plugin }) => [host, path, servicePort, plugin?.plugin]),
    ).toEqual([
      ["a.example", "/api", 80, "serverless"],
      ["b.example", "/api", 80, "serverless"],
    ]);
    expect(told(cluster)).toEqual([
      expect.stringContaining("method: the playground matches by host and path"),
    ]);
  });

  it("is played with a port's name and an implementation-specific path", async () => {
    const cluster = await playBase(routeFile, (text) =>
      text
        .replace("number: 80", "name: http")
        .replace("pathType: Prefix", "pathType: ImplementationSpecific"),
    );
    expect(cluster.routes).toMatchObject([{ servicePort: 80, pathType: "ImplementationSpecific" }]);
  });

  it("is played with a queue's full URL, under the queue's name", async () => {
    const url = "https://sqs.eu-west-1.amazonaws.com/123456789012/wake-demo-backend";
    const cluster = await playBase(scalerFile, (text) =>
      text.replace("queueURL: wake-demo-backend", `queueURL: ${url}`),
    );
    const backend = cluster.scaleTargets.find(({ name }) => name === "demo-backend");
    expect(backend?.scaledObject.spec.triggers[0]?.metadata).toMatchObject({ queueURL: "wake-demo-backend" });
    expect(backend?.backend?.name).toBe("demo-backend");
  });

  it.each([
    ['paused: "true"', { isWhole: true, replicas: undefined }, "stays at 0, and requests to it are held"],
    ['paused-replicas: "2"', { isWhole: true, replicas: 2 }, "stays at 2"],
    ['paused-scale-in: "true"', { isWhole: false, isIn: true, isOut: false }, "keeps its replicas"],
    ['paused-scale-out: "true"', { isWhole: false, isIn: false, isOut: true }, "gets no more replicas"],
  ])("is played with %s as KEDA does, and reported", async (annotation, pause, said) => {
    const cluster = await playBase(scalerFile, (text) =>
      text.replace("spec:", `  annotations: { autoscaling.keda.sh/${annotation} }\nspec:`),
    );
    const pauses = cluster.scaleTargets.map(({ name, scaledObject: { metadata } }) => [
      name,
      readPause(metadata.annotations),
    ]);
    expect(Object.fromEntries(pauses)).toMatchObject({
      "demo-backend": pause,
      consumer: { isWhole: false, isIn: false, isOut: false },
    });
    expect(told(cluster)).toEqual([expect.stringContaining(said)]);
  });

  it("takes its environment from ConfigMaps and Secrets, and reports what is missing", async () => {
    const cluster = await playBase("consumer.yaml", (text) =>
      text
        .replace(
          "          env:\n",
          "          envFrom: [{ configMapRef: { name: more } }]\n          env:\n            - { name: TOKEN, valueFrom: { secretKeyRef: { name: away, key: a } } }\n            - { name: PAIR, value: $(FIRST)-$(REGION) }\n",
        )
        .concat(
          "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: more, namespace: kong-serverless}\ndata: {FIRST: one}\n",
        ),
    );
    const [container] =
      cluster.scaleTargets.find(({ name }) => name === "consumer")?.deployment.spec.template.spec
        .containers ?? [];
    expect(container?.env).toEqual(
      expect.arrayContaining([
        { name: "FIRST", value: "one" },
        { name: "REGION", value: "eu-west-1" },
      ]),
    );
    expect(told(cluster)).toEqual([expect.stringContaining("TOKEN is not set")]);
  });

  it("is played without its second container, which is reported", async () => {
    const cluster = await playBase("consumer.yaml", (text) =>
      text
        .replace(
          "      containers:\n",
          "      initContainers: [{ name: init, image: busybox }]\n      containers:\n",
        )
        .concat("        - name: proxy\n          image: envoy\n"),
    );
    expect(cluster.scaleTargets).toHaveLength(2);
    expect(told(cluster)).toEqual([
      expect.stringContaining("initContainers: the playground does not play it"),
      expect.stringContaining("container proxy: the playground runs one process per pod"),
    ]);
  });
});
